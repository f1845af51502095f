import { event, given } from 'tributary/testing'
import { test } from 'vitest'
import { LoanRows, Loans, Members } from '#schemas/topics.ts'
import { loansTopology } from './topology.ts'

const lent = event(Loans, 'BookLent', 'l1', { loanId: 'l1', memberId: 'm1', title: 'Momo', lentAt: 1 })
const joined = event(Members, 'MemberJoined', 'm1', { memberId: 'm1', name: 'Ana' })
const loan = { loanId: 'l1', title: 'Momo', member: null, lentAt: 1, returnedAt: null }

test('a loan waits for its member with nothing but the name missing, and gets it whenever it comes', () => {
  given(loansTopology, [lent]).then(LoanRows, { l1: loan })
  given(loansTopology, [lent])
    .when(joined)
    .then(LoanRows, { l1: { ...loan, member: 'Ana' } })
})

test('a book that came back says when', () => {
  given(loansTopology, [joined, lent])
    .when(event(Loans, 'BookReturned', 'l1', { loanId: 'l1', returnedAt: 5 }))
    .thenIncludes(LoanRows, { l1: { member: 'Ana', returnedAt: 5 } })
})
