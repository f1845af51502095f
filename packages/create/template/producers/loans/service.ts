import { publish, publishes } from 'tributary/outbox'
import { conflict, instant, ms, notFound, type ServiceDefinition } from 'tributary/service'
import { z } from 'zod'
import { BookLent, BookReturned } from '#schemas/contracts.generated.ts'
import { Loans } from '#schemas/topics.ts'
import { loanId, memberId, name } from '#schemas/values.ts'

const loan = { aggregate: 'loan' }

export const service: ServiceDefinition = {
  name: 'loans',
  description: 'Which books are out, and where.',
  migrations: [
    {
      name: 'loans/001_loans',
      up: (db) =>
        db.schema.createTable('loans', (table) => {
          table.text('loan_id').primary()
          table.text('member_id').notNullable()
          table.text('title').notNullable()
          table.timestamp('lent_at', { useTz: true }).notNullable()
          table.timestamp('returned_at', { useTz: true })
        }),
    },
  ],
  publishes: publishes(Loans, {
    BookLent: { ...loan, at: (event) => event.lentAt },
    BookReturned: { ...loan, at: (event) => event.returnedAt },
  }),
  subscriptions: [],
  routes(api) {
    api.post('/loans', {
      summary: 'Lend a book',
      body: z.strictObject({ loanId, memberId, title: name, lentAt: instant }),
      status: 201,
      async run(trx, { body }) {
        const lent = { ...body, lentAt: ms(body.lentAt) }
        const inserted = await trx('loans')
          .insert({
            loan_id: lent.loanId,
            member_id: lent.memberId,
            title: lent.title,
            lent_at: new Date(lent.lentAt),
          })
          .onConflict()
          .ignore()
          .returning('*')
        if (inserted.length === 0) throw conflict('loan_exists', `there is a loan "${lent.loanId}" already`)
        await publish(trx, BookLent, lent)
        return body
      },
    })
    api.post('/loans/:loanId/return', {
      summary: 'Bring a book back',
      params: z.object({ loanId }),
      body: z.strictObject({ returnedAt: instant }),
      async run(trx, { params: { loanId }, body }) {
        const returnedAt = ms(body.returnedAt)
        const returned = await trx('loans')
          .where({ loan_id: loanId })
          .update({ returned_at: new Date(returnedAt) })
        if (returned === 0) throw notFound('unknown_loan', `there is no loan "${loanId}"`)
        await publish(trx, BookReturned, { loanId, returnedAt })
        return { loanId, ...body }
      },
    })
  },
}
