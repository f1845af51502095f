import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import { readServiceLogin } from '#database/settings'
import { CustomerMoved, CustomerRegistered } from '../../../schemas/contracts.generated.ts'
import { type Databases, freshId, openDatabases } from '../../../tests/harness/databases.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import { publish, withOutbox } from './outbox.ts'

let databases: Databases
let pool: pg.Pool
const codec = memoryCodec(contracts)

beforeAll(async () => {
  databases = await openDatabases()
  const { default: system } = await import('../../../tributary.config.ts')
  const { publishes } = await system.loadService('customers')
  pool = await withOutbox(new pg.Pool({ ...readServiceLogin('customers', databases.env), max: 2 }), codec, publishes)
})
afterAll(async () => {
  await pool.end()
  await databases[Symbol.asyncDispose]()
})

const registered = (customerId: string) => ({ customerId, uniqueId: 'u', zip: '01', city: 'x', state: 'SP' })
const eventsOf = (key: string) => databases.superuser('customers')('outbox').where({ aggregateid: key }).orderBy('seq')
const insert = (client: pg.ClientBase, id: string) =>
  client.query(`insert into customers (customer_id, unique_id, zip, city, state) values ($1, 'u', '01', 'x', 'SP')`, [
    id,
  ])

async function inTransaction(work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await work(client)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

test('what a pg client publishes is committed with its change, in the order published', async () => {
  const id = freshId('c')
  await inTransaction(async (client) => {
    await insert(client, id)
    await publish(client, CustomerRegistered, registered(id))
    await publish(client, CustomerMoved, { customerId: id, zip: '02', city: 'y', state: 'RJ' })
  })
  const rows = await eventsOf(id)
  expect(rows.map((row) => row.type.split('.').at(-1))).toEqual(['CustomerRegistered', 'CustomerMoved'])
  expect(codec.decode(rows[0].payload)).toEqual({ name: CustomerRegistered.name, value: registered(id) })
})

test('what a pg client publishes goes with its rollback', async () => {
  const id = freshId('c')
  const failing = inTransaction(async (client) => {
    await insert(client, id)
    await publish(client, CustomerRegistered, registered(id))
    throw new Error('not this one')
  })
  await expect(failing).rejects.toThrow('not this one')
  expect(await eventsOf(id)).toEqual([])
})

test('a pg client is refused before its begin, and again after its commit', async () => {
  const id = freshId('c')
  const client = await pool.connect()
  try {
    await expect(publish(client, CustomerRegistered, registered(id))).rejects.toThrow(/after await client\.query/)
    await client.query('begin')
    await client.query('commit')
    await expect(publish(client, CustomerRegistered, registered(id))).rejects.toThrow(/after await client\.query/)
  } finally {
    client.release()
  }
  expect(await eventsOf(id)).toEqual([])
})
