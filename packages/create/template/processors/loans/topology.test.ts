import { drive } from 'tributary/testing'
import { expect, test } from 'vitest'
import { LoanRows, Loans, Members } from '#schemas/topics.ts'
import { loansTopology } from './topology.ts'

const lent = { loanId: 'l1', memberId: 'm1', title: 'Momo', lentAt: 1 }

test('a loan waits for its member with nothing but the name missing, and gets it whenever it comes', () => {
  const loans = drive(loansTopology)
  loans.pipe(Loans, { name: 'BookLent', key: 'l1', data: lent })
  expect(loans.table(LoanRows).get('l1')).toMatchObject({ title: 'Momo', member: null })
  loans.pipe(Members, { name: 'MemberJoined', key: 'm1', data: { memberId: 'm1', name: 'Ana' } })
  expect(loans.table(LoanRows).get('l1')).toMatchObject({ member: 'Ana', returnedAt: null })
})

test('a book that came back says when', () => {
  const loans = drive(loansTopology)
  loans.pipe(Loans, { name: 'BookLent', key: 'l1', data: lent })
  loans.pipe(Loans, { name: 'BookReturned', key: 'l1', data: { loanId: 'l1', returnedAt: 5 } })
  expect(loans.table(LoanRows).get('l1')).toMatchObject({ lentAt: 1, returnedAt: 5 })
})
