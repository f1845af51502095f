import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Databases, freshId, openDatabases } from '../../tests/harness/databases.ts'
import { deliverShipment, findShipment, prepareShipment, shipShipment } from './commands.ts'

let databases: Databases
let db: Knex
beforeAll(async () => {
  databases = await openDatabases()
  db = await databases.service('shipping')
})
afterAll(() => databases[Symbol.asyncDispose]())

const known = async (sellers: string[], closed: string | null = null) => {
  const orderId = freshId('o')
  await db('known_orders').insert({ order_id: orderId, sellers, closed })
  return orderId
}
const prepare = (orderId: string, sellerId: string | null) =>
  db.transaction((trx) => prepareShipment(trx, orderId, sellerId))

test('a shipment of an order that is not known yet is refused for now', async () => {
  await expect(prepare(freshId('o'), 's')).rejects.toMatchObject({ code: 'unknown_order', retryable: true })
})

test('only sellers of the order send something, once each', async () => {
  const orderId = await known(['s1', 's2'])
  await expect(prepare(orderId, 's3')).rejects.toMatchObject({ code: 'not_a_seller', retryable: false })
  await expect(prepare(orderId, null)).rejects.toMatchObject({ code: 'seller_missing', retryable: false })
  expect(await prepare(orderId, 's1')).toMatchObject({ shipmentId: `${orderId}-s1`, status: 'prepared' })
  await expect(prepare(orderId, 's1')).rejects.toMatchObject({ code: 'shipment_exists', retryable: false })
})

test('an order without items has one shipment without a seller', async () => {
  const orderId = await known([])
  expect(await prepare(orderId, null)).toMatchObject({ shipmentId: `${orderId}-none`, sellerId: null })
  await expect(prepare(orderId, 's')).rejects.toMatchObject({ code: 'not_a_seller' })
})

test('two orders whose ids and sellers put together look alike have a shipment each', async () => {
  const order = freshId('o')
  await db('known_orders').insert({ order_id: `${order}-1`, sellers: ['2'], closed: null })
  await db('known_orders').insert({ order_id: order, sellers: ['1-2'], closed: null })
  const first = await prepare(`${order}-1`, '2')
  const second = await prepare(order, '1-2')
  expect(first.shipmentId).not.toBe(second.shipmentId)
})

test('a shipment that was prepared under an id of an older form is not prepared again', async () => {
  const order = await known(['s-1'])
  await db('shipments').insert({ shipment_id: `${order}-s-1`, order_id: order, seller_id: 's-1', status: 'prepared' })
  await expect(prepare(order, 's-1')).rejects.toMatchObject({
    code: 'shipment_exists',
    message: expect.stringContaining(`${order}-s-1`),
  })
})

test('nothing is prepared for a closed order', async () => {
  await expect(prepare(await known(['s'], 'canceled'), 's')).rejects.toMatchObject({ code: 'order_closed' })
})

test('a shipment is prepared, shipped, delivered, in this order only; times may be unknown or odd', async () => {
  const { shipmentId } = await prepare(await known(['s']), 's')
  const ship = () => db.transaction((trx) => shipShipment(trx, shipmentId, 2_000))
  const deliver = () => db.transaction((trx) => deliverShipment(trx, shipmentId, 1_000))
  await expect(deliver()).rejects.toMatchObject({ status: 409, code: 'illegal_status' })
  await ship()
  await expect(ship()).rejects.toMatchObject({ status: 409, code: 'illegal_status' })
  await deliver()
  expect(await findShipment(db, shipmentId)).toMatchObject({
    status: 'delivered',
    shippedAt: new Date(2_000),
    deliveredAt: new Date(1_000),
  })
  await expect(db.transaction((trx) => shipShipment(trx, 'nowhere', null))).rejects.toMatchObject({ status: 404 })
})
