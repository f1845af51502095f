import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Databases, openDatabases } from '#producers/testing/databases.ts'
import { listPartitions, partitionOf } from './partitions.ts'
import { maintainOutbox } from './retention.ts'
import { createOutboxTable, ensurePublicationAndSlot, slotOf } from './schema.ts'

const DAY_MS = 86_400_000

let databases: Databases
let maintainer: Knex
let superuser: Knex

/** A database of its own: a connector may read the services' slots. */
const service = `retention_${process.pid}`

beforeAll(async () => {
  databases = await openDatabases()
  await databases.superuser('postgres').raw('create database ??', [service])
  superuser = databases.superuser(service)
  await createOutboxTable(superuser)
  await superuser.raw('alter table outbox owner to maintainer')
  await superuser.raw('alter table outbox_retention owner to maintainer')
  await superuser.raw('grant create on schema public to maintainer')
  await ensurePublicationAndSlot(superuser, service)
  maintainer = databases.as('maintainer', databases.env.MAINTAINER_DB_PASSWORD!, service)
})
afterAll(async () => {
  await superuser.raw('select pg_drop_replication_slot(?)', [slotOf(service)])
  await databases[Symbol.asyncDispose]()
})

/** A partition of some days ago with one event in it. */
async function oldPartition(daysAgo: number): Promise<string> {
  const { name, from, to } = partitionOf(Date.now() - daysAgo * DAY_MS)
  const date = (at: number) => new Date(at).toISOString().slice(0, 10)
  await maintainer.raw(
    `create table if not exists ${name} partition of outbox for values from ('${date(from)}') to ('${date(to)}')`,
  )
  await superuser.raw(
    `insert into outbox (id, aggregatetype, aggregateid, type, source, time, traceparent, created_at)
     values (gen_random_uuid(), 'a', 'a', 't', 's', 't', 't', ?)`,
    [new Date(from).toISOString().replace('Z', '')],
  )
  return name
}

const insertNow = () =>
  superuser.raw(
    `insert into outbox (id, aggregatetype, aggregateid, type, source, time, traceparent)
     values (gen_random_uuid(), 'a', 'a', 't', 's', 't', 't')`,
  )
const names = async () => (await listPartitions(superuser)).map((partition) => partition.name)
/** What the connector does when it has delivered everything. */
const confirmAll = () => superuser.raw('select pg_replication_slot_advance(?, pg_current_wal_lsn())', [slotOf(service)])
const maintain = (retentionDays = 7) => maintainOutbox(maintainer, service, Date.now(), retentionDays)

test('a partition is dropped only after the slot has confirmed everything in it', async () => {
  await confirmAll()
  const old = await oldPartition(20)
  const first = await maintain()
  expect(first.dropped).toEqual([])
  expect(first.kept).toEqual([{ partition: old, why: expect.stringMatching(/the slot has confirmed/) }])
  expect(await names()).toContain(old)

  await confirmAll()
  expect((await maintain()).dropped).toEqual([old])
  expect(await names()).not.toContain(old)
})

test('a partition younger than the retention stays, confirmed or not', async () => {
  const young = await oldPartition(3)
  await maintain()
  await confirmAll()
  expect((await maintain()).dropped).toEqual([])
  expect(await names()).toContain(young)
})

test('a transaction that began in the time of a partition holds it back', async () => {
  await confirmAll()
  // Anything older than a millisecond is past the retention, and a transaction is open since before today's end.
  const { name, to } = partitionOf(Date.now())
  const open = await superuser.transaction()
  await open.raw('select 1')
  try {
    const tomorrow = to + 1
    const { dropped, kept } = await maintainOutbox(maintainer, service, tomorrow, 0)
    expect(dropped).not.toContain(name)
    expect(kept).toContainEqual({ partition: name, why: 'a transaction that began in its time is still open' })
  } finally {
    await open.rollback()
  }
})

test('without its slot nothing is dropped', async () => {
  const old = await oldPartition(30)
  await superuser.raw('select pg_drop_replication_slot(?)', [slotOf(service)])
  try {
    expect((await maintain()).kept).toContainEqual({ partition: old, why: `slot "${slotOf(service)}" is missing` })
  } finally {
    await superuser.raw(`select pg_create_logical_replication_slot(?, 'pgoutput')`, [slotOf(service)])
  }
})

test('behind a reader of the whole outbox partitions are made, and dropped once it is done; commands wait for neither', async () => {
  await confirmAll()
  const old = await oldPartition(25)
  await maintain()
  await confirmAll()
  const { name: missing } = partitionOf(Date.now() + 5 * DAY_MS)
  await superuser.raw(`drop table if exists ${missing}`)
  const dump = await superuser.transaction()
  await dump.raw('lock table outbox in access share mode')
  await dump('outbox').count()
  try {
    const round = maintain()
    let slowestMs = 0
    let done = false
    void round.finally(() => {
      done = true
    })
    do {
      const before = performance.now()
      await insertNow()
      slowestMs = Math.max(slowestMs, performance.now() - before)
    } while (!done)
    const { made, kept } = await round
    expect(made).toEqual([missing])
    expect(kept).toContainEqual({ partition: old, why: 'somebody reads it' })
    expect(slowestMs).toBeLessThan(1_000)
  } finally {
    await dump.rollback()
  }
  expect((await maintain()).dropped).toContain(old)
  const { rows } = await superuser.raw('select to_regclass(?) as there', [old])
  expect(rows[0].there).toBeNull()
})

test('a partition that somebody detached is attached again, with what is in it', async () => {
  const { name } = partitionOf(Date.now() + 6 * DAY_MS)
  await maintain()
  await superuser.raw(`alter table outbox detach partition ${name}`)
  expect((await maintain()).made).toEqual([name])
  expect(await names()).toContain(name)
})

test('partitions are made for the days ahead, and counted', async () => {
  const inThreeDays = Date.now() + 3 * DAY_MS
  const { made, daysAhead } = await maintainOutbox(maintainer, service, inThreeDays)
  expect(made.length).toBeGreaterThanOrEqual(1)
  expect(daysAhead).toBe(7)
})
