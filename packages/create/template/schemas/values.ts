import { text } from 'tributary/service'

/** What a request's values must be, by the rules in rules.json. */

export const id = text('id')
export const name = text('name')
