import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import { CustomerMoved, CustomerRegistered, OrderApproved } from '../../../schemas/contracts.generated.ts'
import { type Databases, freshId, openDatabases } from '../../../tests/harness/databases.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import { holdEvents, publish, publishTombstone, writeHeld } from './outbox.ts'
import { inTrace } from './trace.ts'

let databases: Databases
let db: Knex
let superuser: Knex

beforeAll(async () => {
  databases = await openDatabases()
  db = await databases.service('customers', { payloadLimit: 1_000 })
  superuser = databases.superuser('customers')
})
afterAll(() => databases[Symbol.asyncDispose]())

const registered = (customerId: string, city = 'x') => ({ customerId, uniqueId: 'u', zip: '01', city, state: 'SP' })
const row = (customerId: string) => ({ customer_id: customerId, unique_id: 'u', zip: '01', city: 'x', state: 'SP' })
const eventsOf = (key: string) => superuser('outbox').where({ aggregateid: key }).orderBy('id')
const customers = (customerId: string) => superuser('customers').where({ customer_id: customerId })

test('an event and the business change of its transaction are committed together', async () => {
  const id = freshId('c')
  await inTrace('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', () =>
    db.transaction(async (trx) => {
      await trx('customers').insert(row(id))
      await publish(trx, CustomerRegistered, registered(id))
    }),
  )
  const [event, ...others] = await eventsOf(id)
  expect(others).toEqual([])
  expect(event).toMatchObject({
    aggregatetype: 'customer',
    type: 'tributary.customers.CustomerRegistered',
    source: '/tributary/customers',
    specversion: '1.0',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  })
  expect(event.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  const codec = memoryCodec(contracts)
  await codec.prepare([CustomerRegistered])
  expect(codec.decode(event.payload)).toEqual({ name: CustomerRegistered.name, value: registered(id) })
})

test('an event whose value breaks a rule rolls the business change back, and names the rule', async () => {
  const id = freshId('c')
  const command = (db: Knex, event: { city?: string; state?: string }) =>
    db.transaction(async (trx) => {
      await trx('customers').insert(row(id))
      await publish(trx, CustomerRegistered, { ...registered(id), ...event })
    })
  await expect(command(db, { state: '가'.repeat(100) })).rejects.toThrow(
    /CustomerRegistered: state has 300 bytes, at most 100/,
  )
  await expect(command(db, { city: 'a\ud800b' })).rejects.toMatchObject({ name: 'InvalidValue' })
  expect(await customers(id)).toEqual([])
  // What follows from somebody else's event was judged at its own door.
  const reader = await databases.service('customers', { judges: false })
  await command(reader, { state: '가'.repeat(100) })
  expect(await eventsOf(id)).toHaveLength(1)
})

test('a tombstone needs a key that Postgres writes as it is', async () => {
  const command = (key: string) => db.transaction((trx) => publishTombstone(trx, 'CustomerErased', 'customer', key))
  for (const key of ['', 'a\0', 'a\ud800']) await expect(command(key)).rejects.toMatchObject({ name: 'RuleBroken' })
})

test('publishing outside a transaction is refused', async () => {
  await expect(publish(db, CustomerRegistered, registered('c'))).rejects.toThrow(/inside db\.transaction/)
})

test('an event that does not fit its schema rolls the business change back', async () => {
  const id = freshId('c')
  const command = db.transaction(async (trx) => {
    await trx('customers').insert(row(id))
    await publish(trx, CustomerRegistered, { ...registered(id), state: 7 as never })
  })
  await expect(command).rejects.toThrow(/CustomerRegistered: state is 7/)
  expect(await customers(id)).toEqual([])
})

test('a payload over the limit is refused with its size, and rolls the business change back', async () => {
  const id = freshId('c')
  const unjudged = await databases.service('customers', { payloadLimit: 1_000, judges: false })
  const command = unjudged.transaction(async (trx) => {
    await trx('customers').insert(row(id))
    await publish(trx, CustomerRegistered, registered(id, 'x'.repeat(1_000)))
  })
  await expect(command).rejects.toThrow(/has 10\d\d bytes, the outbox takes 1000/)
  expect(await customers(id)).toEqual([])
})

test('an event of another service is refused', async () => {
  const command = db.transaction((trx) => publish(trx, OrderApproved, { orderId: 'o', approvedAt: null }))
  await expect(command).rejects.toThrow(/OrderApproved was not prepared|not among the events/)
})

test('a tombstone has no payload and says what happened', async () => {
  const id = freshId('c')
  await db.transaction((trx) => publishTombstone(trx, 'CustomerErased', 'customer', id))
  const [event] = await eventsOf(id)
  expect(event).toMatchObject({ payload: null, type: 'tributary.customers.CustomerErased' })
})

test('events held back are written in the order published, with what goes alongside', async () => {
  const id = freshId('c')
  await db.transaction(async (trx) => {
    holdEvents(trx)
    await publish(trx, CustomerRegistered, registered(id))
    await publish(trx, CustomerMoved, { customerId: id, zip: '02', city: 'y', state: 'RJ' })
    const sql = 'insert into customers (customer_id, unique_id, zip, city, state) values (?, ?, ?, ?, ?)'
    await writeHeld(trx, { sql, name: 'test-alongside', values: [id, 'u', '02', 'y', 'RJ'] })
  })
  expect((await eventsOf(id)).map((event) => event.type.split('.').at(-1))).toEqual([
    'CustomerRegistered',
    'CustomerMoved',
  ])
  expect(await customers(id)).toHaveLength(1)
})

test('events of savepoints keep their place among those held back, and go with a savepoint that is rolled back', async () => {
  const id = freshId('c')
  const moved = (zip: string) => ({ customerId: id, zip, city: 'y', state: 'RJ' })
  await db.transaction(async (trx) => {
    holdEvents(trx)
    await publish(trx, CustomerRegistered, registered(id))
    await trx.transaction(async (savepoint) => {
      await publish(savepoint, CustomerMoved, moved('02'))
      await savepoint.transaction((inner) => publish(inner, CustomerMoved, moved('03')))
    })
    const failing = trx.transaction(async (savepoint) => {
      await publish(savepoint, CustomerMoved, moved('04'))
      await savepoint.transaction((inner) => publish(inner, CustomerMoved, moved('05')))
      throw new Error('not this one')
    })
    await expect(failing).rejects.toThrow('not this one')
    await trx.transaction(async (savepoint) => {
      await publish(savepoint, CustomerMoved, moved('06'))
      await savepoint.rollback()
    })
    await publish(trx, CustomerMoved, moved('07'))
    await writeHeld(trx)
  })
  const codec = memoryCodec(contracts)
  await codec.prepare([CustomerRegistered, CustomerMoved])
  const zips = (await eventsOf(id)).map(({ payload }) => (codec.decode(payload).value as { zip: string }).zip)
  expect(zips).toEqual(['01', '02', '03', '07'])
})

test('a transaction that would commit without the events it holds back fails, and changes nothing', async () => {
  const id = freshId('c')
  const forgetful = db.transaction(async (trx) => {
    holdEvents(trx)
    await trx('customers').insert(row(id))
    await trx.transaction((savepoint) => publish(savepoint, CustomerRegistered, registered(id)))
  })
  await expect(forgetful).rejects.toThrow('1 events are held back and not written')
  expect(await customers(id)).toEqual([])
  expect(await eventsOf(id)).toEqual([])
})

test('the service may insert into its outbox and do nothing else with it, nor choose created_at', async () => {
  await expect(db('outbox').update({ type: 'x' })).rejects.toThrow(/permission denied/)
  await expect(db('outbox').delete()).rejects.toThrow(/permission denied/)
  await expect(db('outbox').select()).rejects.toThrow(/permission denied/)
  await expect(db.raw('truncate outbox')).rejects.toThrow(/must be owner|permission denied/)
  await expect(db('outbox').insert({ created_at: '2020-01-01' })).rejects.toThrow(/permission denied/)
  await expect(db.raw('create table mine (id int)')).rejects.toThrow(/permission denied/)
})

test('without a partition for today a write fails and says so', async () => {
  const insert = superuser.raw(
    `insert into outbox (id, aggregatetype, aggregateid, type, source, time, traceparent, created_at)
     values (gen_random_uuid(), 'a', 'a', 't', 's', 't', 't', '2001-01-01')`,
  )
  await expect(insert).rejects.toThrow(/no partition of relation "outbox" found/)
})
