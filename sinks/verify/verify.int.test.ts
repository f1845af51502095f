import pg from 'pg'
import { connectStack } from 'tributary/testing/stack'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import system from '#config'
import { readVerifierLogin } from '../../packages/tributary/database/settings.ts'
import type { OpenLetter } from '../../packages/tributary/runtime/dead-letters/letter.ts'
import { openElasticsearch } from '../../packages/tributary/sink/client.ts'
import { describe } from '../../packages/tributary/verify/report.ts'
import { isEqual, type VerifyOptions, verify } from '../../packages/tributary/verify/verify.ts'
import { readModels } from '../read-models/index.ts'
import { documents, tables } from '../testing/marketplace.ts'
import { writeDocuments } from '../testing/write-sample.ts'

const stack = connectStack()
const { env } = stack
const client = openElasticsearch(env.ELASTICSEARCH_URL!)
const options: VerifyOptions = {
  verification: system.verification,
  sources: {
    loginOf: readVerifierLogin(env),
    home: system.services[0]!,
  },
  client,
  readModels: readModels.map(({ name }) => name),
  deadlineMs: 5_000,
  waitUntilSearchable: async () => true,
  openLetters: async () => [],
}

/** Runs SQL as the superuser: the test stands in for the services. */
async function inDatabase(service: string, work: (db: pg.Client) => Promise<unknown>): Promise<void> {
  const db = new pg.Client({
    host: env.POSTGRES_HOST!,
    port: Number(env.POSTGRES_PORT),
    user: 'postgres',
    password: env.POSTGRES_PASSWORD!,
    database: service,
  })
  await db.connect()
  try {
    await work(db)
  } finally {
    await db.end()
  }
}

beforeAll(async () => {
  const { code, stderr } = await stack.tributary(['migrate'])
  if (code !== 0) throw new Error(`migrate failed: ${stderr}`)
  for (const [service, theirs] of Object.entries(tables)) {
    await inDatabase(service, async (db) => {
      for (const [table, rows] of Object.entries(theirs)) {
        await db.query(`truncate ${table} cascade`)
        for (const row of rows) {
          const places = Object.keys(row).map((_, i) => `$${i + 1}`)
          await db.query(`insert into ${table} (${Object.keys(row)}) values (${places})`, Object.values(row))
        }
      }
    })
  }
  for (const model of readModels) await writeDocuments(client, model, documents[model.name as keyof typeof documents])
})
afterEach(async () => {
  const restored = readModels.flatMap(({ name }) =>
    Array.from(documents[name as keyof typeof documents], ([_id, document]) => [
      { index: { _index: name, _id } },
      document,
    ]),
  )
  const strangers = ['u8', 'u9'].map((_id) => ({ delete: { _index: 'customers', _id } }))
  await client.bulk({ refresh: true, operations: [...restored.flat(), ...strangers] })
})
afterAll(async () => {
  for (const [service, theirs] of Object.entries(tables))
    await inDatabase(service, (db) => db.query(`truncate ${Object.keys(theirs)} cascade`))
  await client.close()
})

const tamper = async (id: string, change: object) => {
  await client.update({ index: 'orders', id, doc: change, refresh: true })
}

test('the SQL of every read model gives what the specification says', async () => {
  for (const { differences } of await verify(options)) expect(differences).toEqual([])
})

test('counts and money totals of both sides are told', async () => {
  const [orders] = await verify({ ...options, readModels: ['orders'] })
  expect(orders!.expected).toEqual(orders!.found)
  expect(orders!.expected).toMatchObject({ documents: 4, sums: { totalCents: 3850n, paidCents: 4101n, itemCount: 3n } })
})

test('a document that was changed by one cent is found, with both sides', async () => {
  await tamper('o1', { paidCents: 3301 })
  const [orders] = await verify({ ...options, readModels: ['orders'] })
  expect(orders!.differences).toMatchObject([
    { key: 'o1', kind: 'changed', expected: { paidCents: 3300 }, found: { paidCents: 3301 } },
  ])
})

test('a changed item inside an order is found', async () => {
  const [first, second] = documents.orders.get('o1')!.items as object[]
  await tamper('o1', { items: [{ ...first, category: 'brinquedos' }, second] })
  const [orders] = await verify({ ...options, readModels: ['orders'] })
  expect(orders!.differences).toMatchObject([{ key: 'o1', kind: 'changed' }])
})

test('a missing document is found', async () => {
  await client.delete({ index: 'sellers', id: 's3', refresh: true })
  const [sellers] = await verify({ ...options, readModels: ['sellers'] })
  expect(sellers!.differences).toMatchObject([{ key: 's3', kind: 'missing', expected: { sellerId: 's3' } }])
})

test('an extra document is found, and one behind a delete marker is none', async () => {
  await client.index({ index: 'customers', id: 'u9', document: { uniqueId: 'u9', orders: 1 }, refresh: true })
  await client.index({ index: 'customers', id: 'u8', document: { deleted: true }, refresh: true })
  const [customers] = await verify({ ...options, readModels: ['customers'] })
  expect(customers!.differences).toMatchObject([{ key: 'u9', kind: 'extra' }])
})

test('a document that is merely on its way agrees at the second look', async () => {
  await tamper('o1', { paidCents: 1 })
  const waitUntilSearchable = async () => {
    await tamper('o1', { paidCents: 3300 })
    return true
  }
  const [orders] = await verify({ ...options, readModels: ['orders'], waitUntilSearchable })
  expect(orders).toMatchObject({ differedAtFirst: 1, differences: [] })
})

test('rows that change while they are looked at are looked at again', async () => {
  await tamper('o3', { status: 'approved' })
  let looks = 0
  const waitUntilSearchable = async () => {
    const status = ++looks === 1 ? 'invoiced' : 'approved'
    await inDatabase('orders', (db) => db.query(`update orders set status = $1 where order_id = 'o3'`, [status]))
    return true
  }
  try {
    const [orders] = await verify({ ...options, readModels: ['orders'], waitUntilSearchable })
    expect(orders!.differences).toEqual([])
    expect(looks).toBe(2)
  } finally {
    await inDatabase('orders', (db) => db.query(`update orders set status = 'created' where order_id = 'o3'`))
  }
})

const letter = (app: string, topic: string, key: string): OpenLetter => {
  const at = '2026-01-01T00:00:00.000Z'
  const source = { id: `${topic}/0/7`, app, topic, partition: 0, offset: 7, timestamp: 0 }
  return {
    ...source,
    reason: 'refused',
    message: 'too long',
    key: Buffer.from(key),
    at,
    place: 0,
  }
}

test('what an open dead letter explains is told apart from what nothing explains', async () => {
  await client.delete({ index: 'orders', id: 'o1', refresh: true })
  await tamper('o2', { paidCents: 1 })
  const openLetters = async () => [letter('sink', 'orders.rows.1', 'o1')]
  const [orders] = await verify({ ...options, readModels: ['orders'], openLetters })
  expect(orders!.differences).toMatchObject([{ key: 'o2' }])
  expect(orders!.setAside).toMatchObject([
    { difference: { key: 'o1', kind: 'missing' }, letter: { app: 'sink', id: 'orders.rows.1/0/7' } },
  ])
  expect(isEqual(orders!)).toBe(false)
})

test('a payment that was set aside explains its order and the sums the order counts in', async () => {
  await tamper('o1', { payments: [], paidCents: 0, balanceCents: -3300 })
  await client.update({ index: 'customers', id: 'u1', doc: { spentCents: 0 }, refresh: true })
  await client.update({ index: 'customers', id: 'u2', doc: { spentCents: 0 }, refresh: true })
  const openLetters = async () => [letter('processor-orders', 'payments.events', 'o1/1')]
  const [orders, , customers] = await verify({ ...options, openLetters })
  expect(orders!.setAside).toMatchObject([{ difference: { key: 'o1' } }])
  expect(customers!.setAside).toMatchObject([{ difference: { key: 'u1' } }])
  expect(customers!.differences).toMatchObject([{ key: 'u2' }])
})

test('a read model whose index is ill does not keep the others from being compared', async () => {
  const [index] = Object.keys(await client.indices.getAlias({ name: 'sales' }))
  await client.indices.close({ index: index! })
  try {
    const results = await verify(options)
    expect(results.filter(isEqual).map(({ readModel }) => readModel)).toEqual(['orders', 'customers', 'sellers'])
    expect(results[1]).toMatchObject({ readModel: 'sales', failure: expect.stringContaining('the index "sales"') })
    expect(describe(results)).toContain('sales: NOT COMPARED')
  } finally {
    await client.indices.open({ index: index!, wait_for_active_shards: 1 })
  }
})

test("a service whose database can't be read is named, and what needs no rows of it is compared", async () => {
  await inDatabase('payments', (db) => db.query('alter table payments rename to payments_away'))
  try {
    const results = await verify(options)
    expect(results.filter(isEqual).map(({ readModel }) => readModel)).toEqual(['sales', 'sellers'])
    for (const { failure } of results.filter((result) => !isEqual(result)))
      expect(failure).toContain('the database of service "payments" can\'t be read')
  } finally {
    await inDatabase('payments', (db) => db.query('alter table payments_away rename to payments'))
  }
})

test('the command exits with 1 on a difference and shows it', async () => {
  await tamper('o2', { late: true })
  const verified = await stack.tributary(['verify', 'orders', '--deadline', '1'])
  expect(verified.code).toBe(1)
  expect(verified.stdout).toContain('o2 is changed: late')
})

test('the command exits with 0 when all is equal', async () => {
  expect(await stack.tributary(['verify'])).toMatchObject({ code: 0, stdout: expect.stringContaining('all equal') })
})
