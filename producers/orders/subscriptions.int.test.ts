import fc from 'fast-check'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  PaymentReceived,
  PaymentReversed,
  ShipmentDelivered,
  ShipmentPrepared,
  ShipmentShipped,
} from '#schemas/contracts.generated.ts'
import type { EventMeta } from '../../packages/tributary/inbox/subscription.ts'
import { type Databases, freshId, openDatabases } from '../../tests/harness/databases.ts'
import { cancelOrder, placeOrder } from './commands.ts'
import { findOrder } from './queries.ts'
import { ordersSubscriptions } from './subscriptions.ts'

let databases: Databases
let db: Knex
let superuser: Knex
beforeAll(async () => {
  databases = await openDatabases()
  db = await databases.service('orders')
  superuser = databases.superuser('orders')
})
afterAll(() => databases[Symbol.asyncDispose]())

const handlers = new Map(ordersSubscriptions.flatMap((each) => [...each.handlers]))
const learn = (name: string, event: object) => db.transaction((trx) => handlers.get(name)!(trx, event, {} as EventMeta))

async function place(sellers: readonly string[]): Promise<string> {
  const orderId = freshId('o')
  const items = sellers.map((sellerId, i) => ({
    itemNo: i + 1,
    productId: 'p',
    sellerId,
    priceCents: 1,
    freightCents: 1,
    shipBy: null,
  }))
  await db.transaction((trx) => placeOrder(trx, { orderId, customerId: 'c', purchasedAt: 0, estimatedAt: null, items }))
  return orderId
}
const shipment = (orderId: string, sellerId: string | null) => ({
  shipmentId: `${orderId}-${sellerId ?? 'none'}`,
  orderId,
  sellerId,
})
const prepared = (orderId: string, seller: string | null) => learn(ShipmentPrepared.name, shipment(orderId, seller))
const shipped = (orderId: string, seller: string | null) =>
  learn(ShipmentShipped.name, { ...shipment(orderId, seller), shippedAt: null })
const delivered = (orderId: string, seller: string | null) =>
  learn(ShipmentDelivered.name, { ...shipment(orderId, seller), deliveredAt: null })
const statusOf = async (orderId: string) => (await findOrder(db, orderId)).status
const typesOf = async (orderId: string) =>
  (await superuser('outbox').where({ aggregateid: orderId }).orderBy('id')).map((e) => e.type.split('.').at(-1))

test('an order is shipped with its first shipment and delivered with its last', async () => {
  const orderId = await place(['s1', 's2', 's2'])
  await prepared(orderId, 's1')
  expect(await statusOf(orderId)).toBe('created')
  await shipped(orderId, 's1')
  expect(await statusOf(orderId)).toBe('shipped')
  await delivered(orderId, 's1')
  expect(await statusOf(orderId)).toBe('shipped')
  await prepared(orderId, 's2')
  await shipped(orderId, 's2')
  await delivered(orderId, 's2')
  expect(await statusOf(orderId)).toBe('delivered')
  expect(await typesOf(orderId)).toEqual(['OrderPlaced', 'OrderShipped', 'OrderDelivered'])
})

test('the order in which shipments are heard of does not matter', async () => {
  const sellers = ['s1', 's2', 's3']
  const interleavings = fc.shuffledSubarray(
    sellers.flatMap((seller) => [seller, seller, seller]),
    { minLength: 9 },
  )
  await fc.assert(
    fc.asyncProperty(interleavings, async (turns) => {
      const orderId = await place(sellers)
      const steps = new Map(sellers.map((seller) => [seller, [prepared, shipped, delivered]]))
      for (const seller of turns) await steps.get(seller)!.shift()!(orderId, seller)
      expect(await statusOf(orderId)).toBe('delivered')
      expect(await typesOf(orderId)).toEqual(['OrderPlaced', 'OrderShipped', 'OrderDelivered'])
    }),
    { numRuns: 15 },
  )
})

test('shipments that are told of again set nothing back, and nothing is published twice', async () => {
  const orderId = await place(['s1', 's2'])
  for (const step of [prepared, shipped, delivered]) await step(orderId, 's1')
  await prepared(orderId, 's1')
  await shipped(orderId, 's1')
  // Between the repeats of the other's, this one arrives, and is the last.
  for (const step of [prepared, shipped, delivered]) await step(orderId, 's2')
  await delivered(orderId, 's1')
  expect(await statusOf(orderId)).toBe('delivered')
  expect(await typesOf(orderId)).toEqual(['OrderPlaced', 'OrderShipped', 'OrderDelivered'])
})

test('of two last shipments that arrive at once, one delivers the order', async () => {
  const orderId = await place(['s1', 's2'])
  await shipped(orderId, 's1')
  await shipped(orderId, 's2')
  await Promise.all([delivered(orderId, 's1'), delivered(orderId, 's2')])
  expect(await typesOf(orderId)).toEqual(['OrderPlaced', 'OrderShipped', 'OrderDelivered'])
})

test('an order without items is delivered with its one shipment', async () => {
  const orderId = await place([])
  await shipped(orderId, null)
  await delivered(orderId, null)
  expect(await statusOf(orderId)).toBe('delivered')
})

test('a canceled order stays canceled, whatever arrives', async () => {
  const orderId = await place(['s1'])
  await db.transaction((trx) => cancelOrder(trx, orderId))
  await shipped(orderId, 's1')
  await delivered(orderId, 's1')
  expect(await statusOf(orderId)).toBe('canceled')
  expect(await typesOf(orderId)).toEqual(['OrderPlaced', 'OrderCanceled'])
  expect((await findOrder(db, orderId)).shipments).toMatchObject([{ status: 'delivered' }])
})

test('what was paid is summed, without what was taken back', async () => {
  const orderId = await place(['s1'])
  const payment = (sequence: number, cents: number) => ({ orderId, sequence, type: 't', installments: 1, cents })
  await learn(PaymentReceived.name, payment(1, 100))
  await learn(PaymentReceived.name, payment(2, 50))
  await learn(PaymentReversed.name, { orderId, sequence: 1 })
  expect((await findOrder(db, orderId)).paidCents).toBe(50)
})
