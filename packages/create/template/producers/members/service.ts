import { publish, publishes } from 'tributary/outbox'
import { conflict, type ServiceDefinition } from 'tributary/service'
import { z } from 'zod'
import { MemberJoined } from '#schemas/contracts.generated.ts'
import { Members } from '#schemas/topics.ts'
import { memberId, name } from '#schemas/values.ts'

export const service: ServiceDefinition = {
  name: 'members',
  description: 'Who may borrow books.',
  migrations: [
    {
      name: 'members/001_members',
      up: (db) =>
        db.schema.createTable('members', (table) => {
          table.text('member_id').primary()
          table.text('name').notNullable()
        }),
    },
  ],
  publishes: publishes(Members, { MemberJoined: { aggregate: 'member' } }),
  subscriptions: [],
  routes(api) {
    api.post('/members', {
      summary: 'Become a member',
      body: z.strictObject({ memberId, name }),
      status: 201,
      async run(trx, { body }) {
        const { memberId, name } = body
        const inserted = await trx('members').insert({ member_id: memberId, name }).onConflict().ignore().returning('*')
        if (inserted.length === 0) throw conflict('member_exists', `there is a member "${memberId}" already`)
        // The row and its event are of one transaction: both or neither.
        await publish(trx, MemberJoined, body)
        return body
      },
    })
  },
}
