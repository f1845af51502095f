import fc from 'fast-check'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Refusal } from '../../packages/tributary/service/refusal.ts'
import { type Databases, freshId, openDatabases } from '../../tests/harness/databases.ts'
import {
  approveOrder,
  cancelOrder,
  invoiceOrder,
  markUnavailable,
  moveOn,
  placeOrder,
  processOrder,
} from './commands.ts'
import { findOrder } from './queries.ts'
import type { Status } from './status.ts'

let databases: Databases
let db: Knex
let superuser: Knex
beforeAll(async () => {
  databases = await openDatabases()
  db = await databases.service('orders')
  superuser = databases.superuser('orders')
})
afterAll(() => databases[Symbol.asyncDispose]())

const place = (orderId: string) =>
  db.transaction((trx) => placeOrder(trx, { orderId, customerId: 'c', purchasedAt: 0, estimatedAt: null, items: [] }))
const typesOf = async (orderId: string) =>
  (await superuser('outbox').where({ aggregateid: orderId }).orderBy('id')).map((e) => e.type.split('.').at(-1))

const commands = {
  approved: approveOrder,
  invoiced: invoiceOrder,
  processing: processOrder,
  canceled: cancelOrder,
  unavailable: markUnavailable,
} as const
type Step = keyof typeof commands | 'shipped' | 'delivered'

/** The rules once more, said differently: what may follow what. */
const follows: Record<Status, readonly Step[]> = {
  created: ['approved', 'shipped', 'delivered', 'canceled', 'unavailable'],
  approved: ['invoiced', 'processing', 'shipped', 'delivered', 'canceled', 'unavailable'],
  invoiced: ['processing', 'shipped', 'delivered', 'canceled', 'unavailable'],
  processing: ['invoiced', 'shipped', 'delivered', 'canceled', 'unavailable'],
  shipped: ['delivered', 'canceled', 'unavailable'],
  delivered: ['canceled', 'unavailable'],
  canceled: [],
  unavailable: [],
}
const eventOf: Record<Step, string | undefined> = {
  approved: 'OrderApproved',
  invoiced: 'OrderInvoiced',
  processing: 'OrderProcessing',
  canceled: 'OrderCanceled',
  unavailable: 'OrderUnavailable',
  shipped: undefined,
  delivered: undefined,
}

test('whatever is asked in whatever order, an order takes legal steps only, and each has its event', async () => {
  const steps = fc.array(fc.constantFrom<Step>(...(Object.keys(eventOf) as Step[])), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const orderId = freshId('o')
      await place(orderId)
      let status: Status = 'created'
      const expected = ['OrderPlaced']
      for (const step of sequence) {
        const legal = follows[status].includes(step)
        if (step === 'shipped' || step === 'delivered') {
          expect(await db.transaction((trx) => moveOn(trx, orderId, step))).toBe(legal)
        } else {
          const asked = db.transaction((trx) => commands[step](trx, orderId, null))
          const repeated = step === status && (step === 'canceled' || step === 'unavailable')
          if (legal || repeated) expect(await asked).toEqual({ orderId, status: step })
          else await expect(asked).rejects.toMatchObject({ status: 409, code: 'illegal_status', retryable: false })
          if (legal) expected.push(eventOf[step]!)
        }
        if (legal) status = step
      }
      expect((await findOrder(db, orderId)).status).toBe(status)
      expect(await typesOf(orderId)).toEqual(expected)
    }),
    { numRuns: 40 },
  )
})

test('an order is placed once', async () => {
  const orderId = freshId('o')
  await place(orderId)
  await expect(place(orderId)).rejects.toMatchObject({ status: 409, code: 'order_exists', retryable: false })
  expect(await typesOf(orderId)).toEqual(['OrderPlaced'])
})

test('an order that is not there is a 404', async () => {
  await expect(db.transaction((trx) => cancelOrder(trx, 'nowhere'))).rejects.toBeInstanceOf(Refusal)
  await expect(db.transaction((trx) => approveOrder(trx, 'nowhere', null))).rejects.toMatchObject({ status: 404 })
})

test('items keep their cents and times; two with the same number are refused', async () => {
  const orderId = freshId('o')
  const item = { itemNo: 1, productId: 'p', sellerId: 's', priceCents: 987_654_321, freightCents: 0, shipBy: 1_000 }
  const order = { orderId, customerId: 'c', purchasedAt: 1_533_636_000_000, estimatedAt: 5_000, items: [item] }
  await expect(db.transaction((trx) => placeOrder(trx, { ...order, items: [item, item] }))).rejects.toMatchObject({
    status: 400,
  })
  await db.transaction((trx) => placeOrder(trx, order))
  const found = await findOrder(db, orderId)
  expect(found).toMatchObject({ purchasedAt: new Date(1_533_636_000_000), estimatedAt: new Date(5_000), paidCents: 0 })
  expect(found.items).toEqual([{ ...item, shipBy: new Date(1_000) }])
})
