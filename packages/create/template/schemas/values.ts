import { text } from 'tributary/service'

/** What a request's values must be, by the rules in rules.json. */

export const memberId = text('id', { of: 'member' })
export const loanId = text('id', { of: 'loan' })
export const name = text('name')
