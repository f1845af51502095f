import { once } from 'node:events'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applyTopics } from '#contracts/apply-topics'
import { migrate } from '#database/migrate'
import { readMigrateSettings, readSuperuser } from '#database/settings'
import { lostEvents } from '#outbox/lost'
import { partitionOf } from '#outbox/partitions'
import { mendPublication } from '#outbox/publication'
import { slotOf } from '#outbox/schema'
import { slotPasses } from '#outbox/slot'
import { throwFailed } from '#runtime/each'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { lookAtOutbox } from '#watch/outboxes'
import { SlotsWatch } from '#watch/slots'
import { Reviews } from '../../../schemas/topics.ts'
import { readTopic } from '../../../tests/e2e/read-topic.ts'
import { type Databases, freshId, openDatabases } from '../../../tests/harness/databases.ts'
import { domainTopics, services } from '../../../tests/harness/marketplace.ts'
import system from '../../../tributary.config.ts'
import { applyConnectors, awaitRunning, ensureHeartbeatTopics } from './apply.ts'
import { messageTopicOf, wantedConnectors } from './configuration.ts'
import { type Connect, connectAt, faultOf, hasFailed, isRunning } from './connect.ts'
import { recover } from './recover.ts'

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
  await ensureHeartbeatTopics(brokers, services)
  const wanted = wantedConnectors(services)
  throwFailed(await applyConnectors(connect, wanted))
  await awaitRunning(connect, [...wanted.keys()])
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
  recover(Reviews, { connect, brokers, superuser: readSuperuser(databases.env)(service), say: () => {} })

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

test('a database from before events were marked is upgraded: what is still in the log is carried, and a mark becomes a header', async () => {
  await stopped()
  await superuser.raw('alter table outbox drop column republished; drop table outbox_republish')
  await superuser('knex_migrations').where({ name: 'outbox/005_republished' }).delete()
  const before = await write()
  const migrated = await migrate(system, readMigrateSettings(system.services, databases.env))
  throwFailed(migrated)
  expect(migrated.done.get(service)).toEqual(['outbox/005_republished'])
  const [news, rebuilt] = [await write(), await write({ republished: 'true' })]
  await connect.resume(connector)
  await awaitRunning(connect, [connector])
  await arrived([before, news, rebuilt])

  const records = await readTopic({ urls: { kafka: brokers[0]! } }, Reviews.name)
  const marks = [before, news, rebuilt].map((each) => records.find(({ key }) => key === each)?.headers.ce_republished)
  expect(marks).toEqual([undefined, 'false', 'true'])
  expect(await superuser('outbox').where({ aggregateid: before }).first('republished')).toEqual({
    republished: 'false',
  })
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
    remedy: '`npx --no tributary connectors recover reviews`',
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
  await slotPasses(superuser, service)
  expect((await lookAtOutbox(databases.maintainer(service), service)).mended).toEqual([
    "the publication doesn't have the outbox",
  ])
  await arrived([await write()])
  expect(await lostKeys()).toEqual([key])
  expect((await recovered()).lost.map((event) => event.key)).toEqual([key])
  await arrived([key])
})

test('without freshness, old events are dropped by hand once the topic has them', async () => {
  const { name, from } = partitionOf(Date.now() - 20 * 86_400_000)
  const date = (at: number) => new Date(at).toISOString().slice(0, 10)
  await superuser.raw(
    `create table ${name} partition of outbox for values from ('${date(from)}') to ('${date(from + 86_400_000)}')`,
  )
  await superuser.raw('alter table ?? owner to maintainer', [name])
  await superuser.raw('alter publication outbox drop table outbox')
  await write({ created_at: date(from) })
  await slotPasses(superuser, service)
  await mendPublication(superuser)
  const maintain = async () => {
    const { stdout } = await connectStack().tributary(['outbox', 'maintain'])
    return stdout
  }
  await maintain()
  await slotPasses(superuser, service)
  expect(await maintain()).toContain(
    `${name} stays: 1 of its events never reached the topic: \`npx --no tributary outbox resend reviews\``,
  )
  const { code, stderr } = await connectStack().tributary(['outbox', 'resend', service])
  expect(code, stderr).toBe(0)
  await waitUntil('it is dropped', async () => (await maintain()).includes('reviews: 0 made, 1 dropped'), {
    everyMs: 500,
  })
}, 120_000)

test('a publication that a superuser made anew is named with its remedy, hides nothing else, and is mended for good', async () => {
  await superuser.raw('drop publication outbox')
  await superuser.raw('create publication outbox for table outbox')
  await write({ created_at: superuser.raw(`(now() at time zone 'UTC') + interval '40 hours'`) })
  const look = await lookAtOutbox(databases.maintainer(service), service)
  expect(look.mended).toEqual([])
  expect(look.findings.owner).toMatchObject({
    what: expect.stringMatching(/partitions instead.*belongs to "postgres".*in the database "reviews"/),
    remedy: expect.stringContaining('npx --no tributary connectors recover reviews'),
    unwell: true,
  })
  expect(look.findings.rows?.what).toContain('40 hours ahead')
  await superuser('outbox').where('created_at', '>', superuser.raw(`now() at time zone 'UTC'`)).delete()

  const key = await write()
  await recovered()
  await arrived([key, await write()])
  expect((await lookAtOutbox(databases.maintainer(service), service)).findings.owner).toBeUndefined()
  await superuser.raw('alter publication outbox set (publish_via_partition_root = false)')
  expect((await lookAtOutbox(databases.maintainer(service), service)).mended).toHaveLength(1)
})

test('a recovery that fails half-way, or is interrupted, leaves the connector running', async () => {
  const runs = () => waitUntil('the connector runs', running, { timeoutMs: 60_000 })
  const failing = { ...connect, putOffset: () => Promise.reject(new Error('refused')) }
  const context = { connect: failing, brokers, superuser: readSuperuser(databases.env)(service), say: () => {} }
  await expect(recover(Reviews, context)).rejects.toThrow('refused')
  await runs()

  // The slot can't be made anew while another transaction is open.
  const state = async () => (await connect.statuses()).get(connector)?.state
  await stopped()
  await superuser.raw('select pg_drop_replication_slot(?)', [slot])
  const open = await superuser.transaction()
  await open.raw('select pg_current_xact_id()')
  const command = connectStack().start(['connectors', 'recover', service])
  const ended = once(command, 'exit')
  const said = new Promise((resolve) => command.stdout!.on('data', resolve))
  await said
  expect(await state()).toBe('STOPPED')
  command.kill('SIGINT')
  expect(await ended).toEqual([null, 'SIGINT'])
  await open.rollback()
  await waitUntil('it is no longer stopped', async () => (await state()) !== 'STOPPED')
  await recovered()
  await runs()
}, 180_000)

test('a connector that somebody paused runs again after `connectors apply`', async () => {
  const { env, tributary } = connectStack()
  await fetch(`${env.CONNECT_URL}/connectors/${connector}/pause`, { method: 'PUT' })
  await waitUntil('it is paused', async () => (await connect.statuses()).get(connector)?.state === 'PAUSED')
  const { code, stdout, stderr } = await tributary(['connectors', 'apply'])
  expect(code, stderr).toBe(0)
  expect(stdout).toContain('reviews-outbox: resumed')
  expect(await running()).toBe(true)
}, 120_000)

/** The connector's producer waits for it with the next message. */
async function deleteMessageTopic(): Promise<void> {
  const admin = new (await import('#runtime/kafkajs')).default.Kafka({ brokers }).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [messageTopicOf(service)] })
  await waitUntil('it is gone', async () => !(await admin.listTopics()).includes(messageTopicOf(service)))
  await admin.disconnect()
  await superuser.raw(`select pg_logical_emit_message(false, 'heartbeat', 'x', true)`)
}

test('a connector whose message topic was deleted is recovered', async () => {
  await deleteMessageTopic()
  const key = await write()
  await recovered()
  await arrived([key, await write()])
}, 120_000)

test('a connector without its offsets topic is recovered', async () => {
  await stopped()
  const admin = new (await import('#runtime/kafkajs')).default.Kafka({ brokers }).admin()
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

test('within seconds the watch mends a publication, makes missing partitions and topics, and names a connector that does not get on', async () => {
  const { env, start } = connectStack()
  const health = async () => {
    const answer = await fetch(`http://127.0.0.1:${env.WATCH_PORT}/health`)
    return (await answer.json()) as { status: string; reason?: string; concerns: { what: string; remedy: string }[] }
  }
  const well = () => waitUntil('all is well', async () => (await health()).status === 'ok', { timeoutMs: 40_000 })
  const watch = start(['connectors', 'watch'])
  try {
    await well()
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

    await deleteMessageTopic()
    const key = await write()
    await waitUntil('what stood behind the missing topic arrives', async () => !(await lostKeys()).includes(key), {
      timeoutMs: 40_000,
      everyMs: 500,
    })

    // Its tasks that failed without their topic are back, and what was said of them is taken back.
    await well()
    // It says RUNNING and reads nothing: its walsender stands still.
    const reader = await waitUntil('somebody reads the slot', async () => {
      const { rows } = await superuser.raw('select active_pid as pid from pg_replication_slots where slot_name = ?', [
        slot,
      ])
      return rows[0].pid as number | null
    })
    process.kill(reader, 'SIGSTOP')
    try {
      const { reason } = await waitUntil(
        'it names the connector that does not get on',
        async () => {
          const said = await health()
          return said.reason?.includes(`slot "${slot}" has confirmed nothing for`) && said
        },
        { timeoutMs: 12_000 },
      )
      expect(reason).toContain(`pid ${reader} reads it`)
      expect(reason).not.toContain('orders_outbox')
    } finally {
      process.kill(reader, 'SIGCONT')
    }
    await well()
  } finally {
    watch.kill()
  }
  await recovered()
})
