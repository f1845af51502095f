import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSuperuser } from '#producers/database/settings.ts'
import { lostEvents } from '#producers/outbox/lost.ts'
import { partitionOf } from '#producers/outbox/partitions.ts'
import { slotOf } from '#producers/outbox/schema.ts'
import { type Databases, freshId, openDatabases } from '#producers/testing/databases.ts'
import { throwFailed } from '#runtime/each.ts'
import { applyTopics } from '#schemas/apply-topics.ts'
import { domainTopics, Reviews, services } from '#schemas/topics.ts'
import { connectStack } from '../tests/harness/stack.ts'
import { waitUntil } from '../tests/harness/wait-until.ts'
import { applyConnectors, awaitRunning, ensureHeartbeatTopics } from './apply.ts'
import { type Connect, connectAt, faultOf, hasFailed, isRunning } from './connect.ts'
import { lookAtOutbox } from './outboxes.ts'
import { recover } from './recover.ts'
import { SlotsWatch } from './slots.ts'

const service = 'reviews'
const connector = 'reviews-outbox'
const slot = slotOf(service)

let databases: Databases
let superuser: Knex
let connect: Connect
let brokers: string[]

beforeAll(async () => {
  databases = await openDatabases()
  superuser = databases.superuser(service)
  const { env } = connectStack()
  brokers = env.KAFKA_BROKERS!.split(',')
  connect = connectAt(env.CONNECT_URL!)
  await applyTopics(brokers, domainTopics)
  await ensureHeartbeatTopics(brokers)
  throwFailed(await applyConnectors(connect))
  await awaitRunning(connect)
}, 180_000)
afterAll(() => databases[Symbol.asyncDispose]())

/** Writes an event into the outbox as anybody may who has the right; gives its key. */
async function write(row: Record<string, unknown> = {}): Promise<string> {
  const key = freshId('event')
  await superuser('outbox').insert({
    id: superuser.raw('gen_random_uuid()'),
    aggregatetype: 'a',
    aggregateid: key,
    type: 't',
    payload: Buffer.from('x'),
    source: 's',
    time: 't',
    traceparent: 't',
    ...row,
  })
  return String(row.aggregateid ?? key)
}
const lostKeys = async () => (await lostEvents(superuser, Reviews.name, brokers, 0)).map(({ key }) => key)
const arrived = (keys: readonly string[]) =>
  waitUntil('the events are in the topic', async () => {
    const lost = await lostKeys()
    return keys.every((key) => !lost.includes(key))
  })
const running = async () => isRunning((await connect.statuses()).get(connector))
const stopped = async () => {
  await connect.stop(connector)
  await waitUntil('the connector is stopped', async () => (await connect.statuses()).get(connector)?.tasks.length === 0)
  await waitUntil('its slot is free', async () => !(await slotRow()).active)
}
const slotRow = async () =>
  (
    await superuser.raw(
      'select active, confirmed_flush_lsn::text as confirmed from pg_replication_slots where slot_name = ?',
      [slot],
    )
  ).rows[0]
const recovered = () =>
  recover(service, { connect, brokers, superuser: readSuperuser(databases.env)(service), say: () => {} })

test('rows and messages that nobody of ours writes are carried or passed over, and the connector goes on', async () => {
  const moment = (offset: string) => superuser.raw(`(now() at time zone 'UTC') + ?::interval`, [offset])
  await superuser.raw(`select pg_logical_emit_message(false, 'another-tool', repeat('x', 2000000), true)`)
  await superuser.raw(`select pg_logical_emit_message(true, 'another-tool', repeat('x', 2000000))`)
  await superuser.raw(`select pg_logical_emit_message(false, 'heartbeat', repeat('x', 2000000), true)`)
  const keys = [
    await write({ created_at: moment('2 hours') }),
    await write({ created_at: moment('3 days') }),
    await write({ created_at: moment('-1 second') }),
    await write({ aggregatetype: '', type: '', source: '', time: '' }),
    await write({ aggregateid: '' }),
    await write({ aggregatetype: 'a\nb', type: 't\n', time: '😀' }),
    await write({ payload: null }),
    await write({ payload: Buffer.alloc(990_000) }),
    await write(),
  ]
  await arrived(keys)
  expect(await running()).toBe(true)
})

test('a row that lies ahead of the clock is named with its id', async () => {
  const key = await write({ created_at: superuser.raw(`(now() at time zone 'UTC') + interval '40 hours'`) })
  const { findings } = await lookAtOutbox(databases.maintainer(service), service)
  const row = await superuser('outbox').where({ aggregateid: key }).first()
  expect(findings.clock).toBeUndefined()
  expect(findings.rows?.what).toMatch(/lies \d+ hours ahead of the database's clock: event [0-9a-f-]{36}, t of "event-/)
  await superuser('outbox').where('created_at', '>', superuser.raw(`now() at time zone 'UTC'`)).delete()
  expect(row).toBeDefined()
  expect((await lookAtOutbox(databases.maintainer(service), service)).findings.rows).toBeUndefined()
})

test('after a slot was dropped one command makes it again, and sends what was missed', async () => {
  await arrived([await write()])
  await stopped()
  await superuser.raw('select pg_drop_replication_slot(?)', [slot])
  const key = await write()
  const watch = new SlotsWatch()
  const { findings } = await watch.look(new Map(services.map((each) => [each, databases.maintainer(each)])), Date.now())
  expect(findings.get(slot)).toMatchObject({
    what: `slot "${slot}" is missing: what is written now is not seen`,
    remedy: '`npx tributary connectors recover reviews`',
  })
  await connect.resume(connector)
  await waitUntil('the connector has failed', async () => hasFailed((await connect.statuses()).get(connector)), {
    timeoutMs: 50_000,
  })
  expect(faultOf((await connect.statuses()).get(connector))).toMatch(/no longer available on the server/)

  const { stdout, stderr } = await connectStack().tributary(['connectors', 'recover', service])
  expect(stderr).toBe('')
  expect(stdout).toContain(`slot "${slot}" was missing: made anew`)
  expect(stdout).toMatch(new RegExp(`t of "${key}", event `))
  expect(stdout).toContain('reviews: 1 lost events were sent again')
  await arrived([key, await write()])
  expect(await running()).toBe(true)
})

test('a slot that somebody advanced, or made anew, is named, and what was skipped is sent again', async () => {
  const watch = new SlotsWatch()
  const all = new Map(services.map((each) => [each, databases.maintainer(each)]))
  await stopped()
  const key = await write()
  await watch.look(all, Date.now())
  const from = (await slotRow()).confirmed
  await superuser.raw('select pg_replication_slot_advance(?, pg_current_wal_lsn())', [slot])
  const look = await watch.look(all, Date.now())
  expect(look.findings.get(slot)?.what).toContain(`slot "${slot}" was made anew or advanced by somebody, from ${from}`)
  const { lost, slotMade } = await recovered()
  expect(slotMade).toBeUndefined()
  expect(lost.map((event) => event.key)).toEqual([key])
  await arrived([key])
  await watch.look(all, Date.now())
  expect((await watch.look(all, Date.now())).findings.get(slot)).toBeUndefined()
})

test('a publication that lost its table is mended in one look, and what it left out is sent again', async () => {
  await superuser.raw('alter publication outbox drop table outbox')
  const key = await write()
  await waitUntil('the connector has passed it', async () => {
    await superuser.raw(`select pg_logical_emit_message(false, 'heartbeat', 'x', true)`)
    const row = await superuser.raw(
      'select confirmed_flush_lsn >= pg_current_wal_lsn() - 1000 as passed from pg_replication_slots where slot_name = ?',
      [slot],
    )
    return row.rows[0].passed
  })
  expect((await lookAtOutbox(databases.maintainer(service), service)).mended).toEqual([
    "the publication doesn't have the outbox",
  ])
  await arrived([await write()])
  expect(await lostKeys()).toEqual([key])
  expect((await recovered()).lost.map((event) => event.key)).toEqual([key])
  await arrived([key])
})

test('a connector without its offsets topic is recovered', async () => {
  await stopped()
  const admin = new (await import('#runtime/kafkajs.ts')).default.Kafka({ brokers }).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [`connect.offsets.${service}`] })
  await admin.disconnect()
  const key = await write()
  await recovered()
  await arrived([key, await write()])
  expect(await running()).toBe(true)
})

test('a transaction that pins the log is named with its session, long before the slot is lost', async () => {
  const all = new Map(services.map((each) => [each, databases.maintainer(each)]))
  const MB = 1024 ** 2
  const open = await superuser.transaction()
  try {
    const { rows } = await open.raw('select pg_backend_pid() as pid, pg_current_xact_id() as xid')
    const other = databases.superuser('payments')
    await other.raw(`create table if not exists filler (text text)`)
    await other.raw(`insert into filler select repeat(md5(n::text), 30) from generate_series(1, 20000) n`)
    await other.raw('drop table filler')
    const found = await waitUntil('the slots are pinned', async () => {
      const { findings } = await new SlotsWatch(64 * MB).look(all, Date.now())
      const finding = findings.get(slot)
      // At first the connector itself is behind by what was written.
      return finding?.remedy?.startsWith('select') && finding
    })
    expect(found.what).toMatch(/slot "reviews_outbox" \(\w+\) keeps \d+ MB of write-ahead log, \d+ % of the 64 MB/)
    expect(found.what).toContain(`pid ${rows[0].pid} ("tributary-test", login postgres, database "reviews")`)
    expect(found.remedy).toBe(`select pg_terminate_backend(${rows[0].pid})`)
    expect(found.part).toBe(slot)
  } finally {
    await open.rollback()
  }
})

test('within seconds the watch mends a publication, makes a missing partition, and names a connector that does not get on', async () => {
  const { env, start } = connectStack()
  const health = async () => {
    const answer = await fetch(`http://127.0.0.1:${env.WATCH_PORT}/health`)
    return (await answer.json()) as { status: string; reason?: string; concerns: { what: string; remedy: string }[] }
  }
  const watch = start(['connectors', 'watch'])
  try {
    await waitUntil('all is well', async () => (await health()).status === 'ok', { timeoutMs: 40_000 })
    const tomorrow = partitionOf(Date.now() + 86_400_000).name
    await superuser.raw(`drop table ${tomorrow}`)
    await superuser.raw('alter publication outbox drop table outbox')
    await waitUntil(
      'it says what was mended',
      async () =>
        (await health()).concerns.some(({ what }) => /doesn't have the outbox in the database "reviews"/.test(what)),
      { timeoutMs: 10_000 },
    )
    expect((await superuser.raw('select to_regclass(?) as there', [tomorrow])).rows[0].there).not.toBeNull()

    // It says RUNNING and reads nothing: its walsender stands still.
    const { rows } = await superuser.raw('select active_pid as pid from pg_replication_slots where slot_name = ?', [
      slot,
    ])
    process.kill(rows[0].pid, 'SIGSTOP')
    try {
      const { reason } = await waitUntil(
        'it names the connector that does not get on',
        async () => {
          const said = await health()
          return said.reason?.includes(`slot "${slot}" has confirmed nothing for`) && said
        },
        { timeoutMs: 12_000 },
      )
      expect(reason).toContain(`pid ${rows[0].pid} reads it`)
      expect(reason).not.toContain('orders_outbox')
    } finally {
      process.kill(rows[0].pid, 'SIGCONT')
    }
    await waitUntil('it is well again', async () => (await health()).status === 'ok', { timeoutMs: 40_000 })
  } finally {
    watch.kill()
  }
  await recovered()
})
