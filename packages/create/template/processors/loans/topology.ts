import type { Id } from 'tributary/contracts'
import { topology } from 'tributary/engine'
import { LoanRows, Loans, Members } from '#schemas/topics.ts'

interface Loan {
  readonly memberId: Id<'member'>
  readonly title: string
  readonly lentAt: number
  readonly returnedAt: number | null
}

/** Every loan with the name of its member, from the events of both services. */
export const loansTopology = topology('loans', ({ events }) => {
  const members = events(Members).evolve<{ name: string }>({ MemberJoined: (_, { name }) => ({ name }) })

  return events(Loans)
    .evolve<Loan>({
      BookLent: (_, { memberId, title, lentAt }) => ({ memberId, title, lentAt, returnedAt: null }),
      BookReturned: (loan, { returnedAt }) => loan && { ...loan, returnedAt },
    })
    .leftJoin(members, {
      on: (loan) => loan.memberId,
      select: ({ title, lentAt, returnedAt }, member, loanId) => ({
        loanId,
        title,
        member: member?.name ?? null,
        lentAt,
        returnedAt,
      }),
    })
    .to(LoanRows)
})
