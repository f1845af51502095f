import { topology } from 'tributary/engine'
import type { BookLent } from '#schemas/contracts.generated.ts'
import { LoanRows, Loans, Members } from '#schemas/topics.ts'

/** What must not compile: `tsc` complains when the line below a `@ts-expect-error` is fine. */
topology('types', ({ events }) => {
  const members = events(Members).evolve<{ name: string }>({ MemberJoined: (_, { name }) => ({ name }) })
  const loans = events(Loans)
    .only('BookLent')
    .evolve<BookLent>({ BookLent: (_, loan) => loan })

  // @ts-expect-error a title is no member
  loans.leftJoin(members, { on: (loan) => loan.title, select: (loan) => loan })
  // @ts-expect-error nor is a loan
  loans.leftJoin(members, { on: (loan) => loan.loanId, select: (loan) => loan })
  // @ts-expect-error loans and members have different keys
  loans.leftJoin(members, { select: (loan) => loan })

  return loans.map((loan) => ({ ...loan, member: null, returnedAt: null })).to(LoanRows)
})
