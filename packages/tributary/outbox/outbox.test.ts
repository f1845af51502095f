import type { ClientBase, TransactionStatus } from 'pg'
import { expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import { contract } from '#contracts/contract'
import { eventsTopic } from '#contracts/topic'
import { CustomerRegistered } from '../../../schemas/contracts.generated.ts'
import { Customers } from '../../../schemas/topics.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import { publish, publishes, publishTombstone, withOutbox } from './outbox.ts'

const events = publishes(Customers, {
  CustomerRegistered: { aggregate: 'customer' },
  CustomerMoved: { aggregate: 'customer' },
})
const event = { customerId: 'c1', uniqueId: 'u', zip: '01', city: 'x', state: 'SP' }

/** A client that notes what it is asked, in a transaction of that status. */
async function client(status: TransactionStatus) {
  const asked: { text: string; values: unknown[] }[] = []
  const query = async (question: (typeof asked)[number]) => {
    asked.push(question)
    return { rows: [] }
  }
  const plain = { query, getTransactionStatus: () => status } as unknown as ClientBase
  return { asked, plain: await withOutbox(plain, memoryCodec(contracts), events) }
}

test('a pg client in a transaction writes the row of an event, its values numbered', async () => {
  const { asked, plain } = await client('T')
  await publish(plain, CustomerRegistered, event)
  await publishTombstone(plain, 'CustomerErased', 'customer', 'c1')
  expect(asked).toHaveLength(2)
  expect(asked[0]).toMatchObject({ name: 'event-insert', text: expect.stringMatching(/values \(\$1, \$2, .*\$9\)$/) })
  expect(asked[0]!.values.slice(1, 4)).toEqual(['customer', 'c1', 'tributary.customers.CustomerRegistered'])
  expect(asked[1]!.values.slice(1, 5)).toEqual(['customer', 'c1', 'tributary.customers.CustomerErased', null])
})

test.each(['I', null] as const)('a pg client outside of a transaction (%s) is refused', async (status) => {
  const { asked, plain } = await client(status)
  await expect(publish(plain, CustomerRegistered, event)).rejects.toThrow(
    /CustomerRegistered: publish needs the transaction.*after await client\.query\('begin'\)/,
  )
  expect(asked).toEqual([])
})

test('a pg client that was given no outbox is refused with the remedy', async () => {
  const bare = { query: async () => ({}), getTransactionStatus: () => 'T' } as unknown as ClientBase
  await expect(publish(bare, CustomerRegistered, event)).rejects.toThrow(/has no outbox: open it with withOutbox/)
})

test('a tombstone’s type has the namespace of its topic’s events, whatever a project calls it', async () => {
  const { asked, plain } = await client('T')
  const Sailed = contract<{ id: string }>({
    type: 'record',
    namespace: 'harbour.boats',
    name: 'Sailed',
    fields: [{ name: 'id', type: 'string' }],
  })
  const boats = publishes(eventsTopic('boats', { Sailed }), {
    Sailed: { aggregate: 'boat', key: ({ id }) => id },
  })
  const harbour = await withOutbox(plain, memoryCodec([Sailed]), boats)
  await publishTombstone(harbour, 'Scrapped', 'boat', 'b1')
  expect(asked[0]!.values.slice(1, 5)).toEqual(['boat', 'b1', 'harbour.boats.Scrapped', null])
})
