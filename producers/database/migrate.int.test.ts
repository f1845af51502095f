import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Databases, openDatabases } from '#producers/testing/databases.ts'
import { services } from '#schemas/topics.ts'
import { migrate } from './migrate.ts'
import { readMigrateSettings } from './settings.ts'

let databases: Databases
beforeAll(async () => {
  databases = await openDatabases()
})
afterAll(() => databases[Symbol.asyncDispose]())

test('migrating again, twice at once, changes nothing', async () => {
  const settings = readMigrateSettings(databases.env)
  const [one, other] = await Promise.all([migrate(settings), migrate(settings)])
  for (const service of services) {
    expect(one[service]).toEqual([])
    expect(other[service]).toEqual([])
  }
})

test('a service reaches no other database than its own', async () => {
  const password = databases.env.ORDERS_DB_PASSWORD!
  const own = await databases.as('orders', password, 'orders').raw('select current_user as me')
  expect(own.rows[0].me).toBe('orders')
  for (const other of ['payments', 'customers', 'postgres', 'template1']) {
    await expect(databases.as('orders', password, other).raw('select 1')).rejects.toThrow(/permission denied/)
  }
})

test("a connector's login reads the outbox of its database and nothing else", async () => {
  const connector = databases.as('orders_connector', databases.env.ORDERS_CONNECTOR_PASSWORD!, 'orders')
  await connector('outbox').limit(1)
  await connector.raw(`select pg_logical_emit_message(false, 'heartbeat', 'x')`)
  await expect(connector('orders').limit(1)).rejects.toThrow(/permission denied/)
  await expect(connector('outbox').delete()).rejects.toThrow(/permission denied/)
})

test('the verifier reads every database and writes none', async () => {
  for (const service of services) {
    const verifier = databases.as('verifier', databases.env.VERIFY_DB_PASSWORD!, service)
    await verifier('outbox').limit(1)
    await expect(verifier('idempotency_keys').delete()).rejects.toThrow(/permission denied/)
  }
})

test('publication and slot are there before anything is written', async () => {
  for (const service of services) {
    const db = databases.superuser(service)
    const { rows } = await db.raw(`select pubinsert, pubupdate, pubdelete, pubviaroot from pg_publication`)
    expect(rows).toEqual([{ pubinsert: true, pubupdate: false, pubdelete: false, pubviaroot: true }])
    const slots = await db.raw('select plugin, database from pg_replication_slots where slot_name = ?', [
      `${service}_outbox`,
    ])
    expect(slots.rows).toEqual([{ plugin: 'pgoutput', database: service }])
  }
})

test('every fault of the settings is listed at once', () => {
  expect(() => readMigrateSettings({ POSTGRES_PORT: 'x' })).toThrow(/POSTGRES_PORT[\s\S]*MAINTAINER_DB_PASSWORD/)
})
