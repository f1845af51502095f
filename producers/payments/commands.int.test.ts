import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Databases, freshId, openDatabases } from '../../tests/harness/databases.ts'
import { receivePayment, reversePayment } from './commands.ts'

let databases: Databases
let db: Knex
beforeAll(async () => {
  databases = await openDatabases()
  db = await databases.service('payments')
})
afterAll(() => databases[Symbol.asyncDispose]())

const known = async (closed: string | null = null) => {
  const orderId = freshId('o')
  await db('known_orders').insert({ order_id: orderId, closed })
  return orderId
}
const pay = (orderId: string, sequence = 1, cents = 100) =>
  db.transaction((trx) => receivePayment(trx, { orderId, sequence, type: 'boleto', installments: 0, cents }))

test('a payment for an order that is not known yet is refused for now', async () => {
  await expect(pay(freshId('o'))).rejects.toMatchObject({ status: 409, code: 'unknown_order', retryable: true })
})

test('an order that becomes known while its payment is being refused makes the refusal one for now', async () => {
  const orderId = freshId('o')
  const paying = db.transaction((trx) => {
    // As if the inbox committed between the command's statement and its look for the reason.
    const raw = (sql: string, values: Knex.RawBinding[]) => ({
      options: async (options: Readonly<{ [key: string]: string }>) => {
        const result = await trx.raw(sql, values).options(options)
        await db('known_orders').insert({ order_id: orderId })
        return result
      },
    })
    const raced = new Proxy(trx, { get: (target, name) => (name === 'raw' ? raw : Reflect.get(target, name)) })
    return receivePayment(raced, { orderId, sequence: 1, type: 'boleto', installments: 1, cents: 1 })
  })
  await expect(paying).rejects.toMatchObject({ code: 'unknown_order', retryable: true })
})

test('a payment for a canceled order is refused for good', async () => {
  const orderId = await known('canceled')
  await expect(pay(orderId)).rejects.toMatchObject({ status: 409, code: 'order_closed', retryable: false })
})

test('a sequence is paid once; gaps and zero payments are fine', async () => {
  const orderId = await known()
  await pay(orderId, 1)
  await pay(orderId, 7, 0)
  await expect(pay(orderId, 7, 5)).rejects.toMatchObject({ status: 409, code: 'payment_exists', retryable: false })
})

test('a reversed payment is gone', async () => {
  const orderId = await known()
  await pay(orderId)
  await db.transaction((trx) => reversePayment(trx, orderId, 1))
  expect(await db('payments').where({ order_id: orderId })).toEqual([])
  await expect(db.transaction((trx) => reversePayment(trx, orderId, 1))).rejects.toMatchObject({ status: 404 })
})

test('an order is not closed between a payment being checked and being committed', async () => {
  const orderId = await known()
  const paying = await db.transaction()
  await receivePayment(paying, { orderId, sequence: 1, type: 'boleto', installments: 1, cents: 1 })
  const closing = db.raw(`update known_orders set closed = 'canceled' where order_id = ?`, [orderId])
  const first = await Promise.race([closing.then(() => 'closed'), db.raw('select pg_sleep(0.2)').then(() => 'waits')])
  expect(first).toBe('waits')
  await paying.commit()
  await closing
})
