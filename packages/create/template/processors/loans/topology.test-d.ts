import { topology } from 'tributary/engine'
import { LoanRows, Loans, Members } from '#schemas/topics.ts'

/** What must not compile: `tsc` complains when the line below a `@ts-expect-error` is fine. */
topology('types', ({ events }) => {
  const members = events(Members).evolve<{ name: string }>({ MemberJoined: (_, { name }) => ({ name }) })
  const loans = events(Loans)
    .only('BookLent')
    .evolve({ BookLent: (_, loan) => ({ ...loan, member: null, returnedAt: null }) })

  loans.leftJoin(members, { on: (loan) => loan.memberId, select: (loan, member) => ({ ...loan, member }) })
  // @ts-expect-error a title is no member
  loans.leftJoin(members, { on: (loan) => loan.title, select: (loan) => loan })
  // @ts-expect-error nor is a loan
  loans.leftJoin(members, { on: (loan) => loan.loanId, select: (loan) => loan })

  return loans.to(LoanRows)
})
