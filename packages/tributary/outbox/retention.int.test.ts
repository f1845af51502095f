import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Databases, openDatabases } from '../../../tests/harness/databases.ts'
import { addAudit } from './audit.ts'
import { listPartitions, partitionOf } from './partitions.ts'
import { type MaintainOptions, maintainOutbox } from './retention.ts'
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
  await addAudit(superuser)
  for (const table of ['outbox', 'outbox_retention', 'outbox_audit'])
    await superuser.raw('alter table ?? owner to maintainer', [table])
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
/** What freshness does when everything that is committed is in the topic. */
const noteAll = (unfinished: readonly string[] = []) =>
  superuser.raw(
    `insert into outbox_audit (below, unfinished, topic_id, positions)
     select pg_snapshot_xmax(pg_current_snapshot())::text::bigint, ?, 'topic', '{}'
     on conflict (single) do update set below = excluded.below, unfinished = excluded.unfinished`,
    [`{${unfinished.join()}}`],
  )
const delivered = async () => {
  await confirmAll()
  await noteAll()
}
const maintain = (options?: MaintainOptions) => maintainOutbox(maintainer, service, Date.now(), options)

test('a partition is dropped only after the slot has confirmed everything in it', async () => {
  await confirmAll()
  const old = await oldPartition(20)
  const first = await maintain()
  expect(first.dropped).toEqual([])
  expect(first.kept).toEqual([
    {
      partition: old,
      why: expect.stringMatching(/the slot has confirmed/),
      remedy: expect.stringContaining('connectors recover'),
    },
  ])
  expect(await names()).toContain(old)

  await delivered()
  expect((await maintain()).dropped).toEqual([old])
  expect(await names()).not.toContain(old)
})

test('a partition younger than the retention stays, confirmed or not', async () => {
  const young = await oldPartition(3)
  await maintain()
  await delivered()
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
    const { dropped, kept } = await maintainOutbox(maintainer, service, tomorrow, { retentionDays: 0 })
    expect(dropped).not.toContain(name)
    expect(kept).toContainEqual(
      expect.objectContaining({ partition: name, why: 'a transaction that began in its time is still open' }),
    )
  } finally {
    await open.rollback()
  }
})

test('without its slot nothing is dropped', async () => {
  const old = await oldPartition(30)
  await superuser.raw('select pg_drop_replication_slot(?)', [slotOf(service)])
  try {
    expect((await maintain()).kept).toContainEqual({
      partition: old,
      why: `slot "${slotOf(service)}" is missing`,
      remedy: `\`npx --no tributary connectors recover ${service}\``,
    })
  } finally {
    await superuser.raw(`select pg_create_logical_replication_slot(?, 'pgoutput')`, [slotOf(service)])
  }
})

test('what a slot that was made anew begins behind stays until it was compared with the topic', async () => {
  await delivered()
  const old = await oldPartition(27)
  await superuser.raw('select pg_drop_replication_slot(?)', [slotOf(service)])
  await superuser.raw(`select pg_create_logical_replication_slot(?, 'pgoutput')`, [slotOf(service)])
  await maintain()
  await confirmAll()
  const round = await maintain()
  expect(round.dropped).not.toContain(old)
  expect(round.kept).toContainEqual({
    partition: old,
    why: 'freshness has not compared all of its events with the topic',
    remedy: expect.stringContaining('npx --no tributary start freshness'),
  })
  await noteAll()
  expect((await maintain()).dropped).toContain(old)
})

test('an event of a transaction that the comparison found unfinished keeps its partition', async () => {
  await delivered()
  const old = await oldPartition(26)
  const { rows } = await superuser.raw('select xact_id as xact from ??', [old])
  await confirmAll()
  await noteAll([rows[0].xact])
  await maintain()
  await confirmAll()
  expect((await maintain()).kept).toContainEqual(expect.objectContaining({ partition: old }))
  await noteAll()
  expect((await maintain()).dropped).toContain(old)
})

test('where nobody ever compared, events stay until they are compared at dropping, and those that are lost after it', async () => {
  await delivered()
  const old = await oldPartition(24)
  await superuser('outbox_audit').delete()
  await maintain()
  await confirmAll()
  expect((await maintain()).dropped).not.toContain(old)
  const asked: string[] = []
  const lost = await maintain({ lostIn: async (partition) => asked.push(partition) })
  expect(asked).toContain(old)
  expect(lost.kept).toContainEqual({
    partition: old,
    why: '1 of its events never reached the topic',
    remedy: `\`npx --no tributary outbox resend ${service}\``,
  })
  expect((await maintain({ lostIn: async () => 0 })).dropped).toContain(old)
})

test('behind a reader of the whole outbox partitions are made, and dropped once it is done; commands wait for neither', async () => {
  await confirmAll()
  const old = await oldPartition(25)
  await maintain()
  await delivered()
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
    expect(kept).toContainEqual(expect.objectContaining({ partition: old, why: 'somebody reads it' }))
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
