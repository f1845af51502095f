import type { FastifyInstance } from 'fastify'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import { openDatabase } from '#database/connect'
import { readServiceLogin } from '#database/settings'
import { withOutbox } from '#outbox/outbox'
import { openLog } from '#runtime/log'
import { Registry } from '#runtime/metrics'
import { type Databases, freshId, openDatabases } from '../../../tests/harness/databases.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import system from '../../../tributary.config.ts'
import { isOutage } from './outage.ts'
import { requestPool, unhurried } from './pools.ts'
import { openServer } from './server.ts'

let databases: Databases
let pool: Knex
let server: FastifyInstance
beforeAll(async () => {
  databases = await openDatabases()
  const service = await system.loadService('orders')
  pool = requestPool(readServiceLogin('orders', databases.env), 'orders')
  const db = await withOutbox(pool, memoryCodec(contracts), service.publishes)
  const options = { log: openLog('orders', 'silent'), metrics: new Registry(), health: () => undefined }
  server = await openServer(service, db, options)
})
afterAll(async () => {
  await server.close()
  await pool.destroy()
  await databases[Symbol.asyncDispose]()
})

async function placed(): Promise<string> {
  const orderId = freshId('o')
  const payload = { orderId, customerId: 'c', purchasedAt: '2018-08-07T10:00:00Z', items: [] }
  expect((await server.inject({ method: 'POST', url: '/orders', payload })).statusCode).toBe(201)
  return orderId
}
const cancel = (orderId: string) =>
  server.inject({
    method: 'POST',
    url: `/orders/${orderId}/cancel`,
    headers: { 'content-type': 'application/json' },
  })

test('a row that somebody holds keeps its own requests waiting for a moment, and nobody else', async () => {
  const [held, other] = [await placed(), await placed()]
  const holder = await databases.superuser('orders').transaction()
  await holder.raw('select from orders where order_id = ? for update', [held])
  // More than there are connections.
  const answers = await Promise.all([...Array.from({ length: 12 }, () => cancel(held)), cancel(other)])
  expect(answers.pop()!.statusCode).toBe(200)
  for (const answer of answers) {
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({ code: 'locked', retryable: true })
  }
  await holder.rollback()
  expect((await cancel(held)).statusCode).toBe(200)
})

test('a statement ends after its time, which is no fault of what was asked; what is unhurried does not', async () => {
  const login = readServiceLogin('orders', databases.env)
  const brief = openDatabase(login, { application: 'test', statementTimeoutMs: 100 })
  await expect(brief.raw('select pg_sleep(30)')).rejects.toSatisfy(isOutage)
  await unhurried(brief, (trx) => trx.raw('select pg_sleep(0.3)'))
  await brief.destroy()
  const { rows } = await pool.raw('show statement_timeout')
  expect(rows).toEqual([{ statement_timeout: '15s' }])
})
