import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readFreshnessLogin } from '#database/settings'
import { resend } from '#outbox/resend'
import { openLog } from '#runtime/log'
import type { TopicReader, TopicReaderOptions } from '#runtime/topic-reader'
import { waitUntil } from '#testing/wait-until'
import {
  freshId,
  openDatabases as openTestDatabases,
  type Databases as TestDatabases,
} from '../../../tests/harness/databases.ts'
import { domainTopics, services } from '../../../tests/harness/marketplace.ts'
import { openAudit } from './audit.ts'
import { type Databases, openDatabases } from './databases.ts'
import type { Brokers } from './topics.ts'

const { signal } = new AbortController()
let testDatabases: TestDatabases
let databases: Databases
beforeAll(async () => {
  testDatabases = await openTestDatabases()
  databases = openDatabases(services, readFreshnessLogin(testDatabases.env))
})
afterAll(async () => {
  await databases.close()
  await testDatabases[Symbol.asyncDispose]()
})

const insert = `insert into outbox (id, aggregatetype, aggregateid, type, payload, source, time, traceparent)
  values (?, 'order', ?, 'T', '\\x00', '/test', '2026-01-01T00:00:00Z', '00')`
const orders = () => testDatabases.superuser('orders')
const end = async () => (await databases.newRows('orders', { below: 0n, unfinished: [] }, 1_000_000)).cursor

test('looks find every row once, however long its transaction was open and whoever committed meanwhile', async () => {
  let cursor = await end()
  const aggregate = freshId('o')
  const [early, late, later] = [randomUUID(), randomUUID(), randomUUID()]
  const open = await orders().transaction()
  await open.raw(insert, [early, aggregate])
  await orders().raw(insert, [late, aggregate])
  const next = async () => {
    const found = await databases.newRows('orders', cursor, 1_000)
    cursor = found.cursor
    return found.ids
  }
  expect(await next()).toEqual([late])
  expect(await next()).toEqual([])
  await orders().raw(insert, [later, aggregate])
  await open.commit()
  expect([...(await next())].sort()).toEqual([early, later].sort())
  expect(await next()).toEqual([])
})

test('many rows come in several looks, a transaction of many in one', async () => {
  let cursor = await end()
  const aggregate = freshId('o')
  const ids: string[] = []
  const write = async (rows: number) =>
    orders().transaction(async (trx) => {
      for (let i = 0; i < rows; i++) {
        ids.push(randomUUID())
        await trx.raw(insert, [ids.at(-1)!, aggregate])
      }
    })
  for (const rows of [2, 1, 9, 1, 3]) await write(rows)
  const found: string[] = []
  for (let all = false; !all; ) {
    const rows = await databases.newRows('orders', cursor, 3)
    found.push(...rows.ids)
    cursor = rows.cursor
    all = rows.all
  }
  expect(found.sort()).toEqual(ids.sort())
})

test('a lost event is sent again with the later ones of its aggregate, in their order and with their ids', async () => {
  const aggregate = freshId('o')
  const ids = [randomUUID(), randomUUID(), randomUUID()]
  for (const id of ids) await orders().raw(insert, [id, aggregate])
  await orders().raw(insert, [randomUUID(), freshId('other')])
  const rows = async () => {
    const { rows } = await orders().raw('select id from outbox where aggregateid = ? order by seq', [aggregate])
    return rows.map(({ id }: { id: string }) => id)
  }
  await resend(testDatabases.maintainer('orders'), [ids[1]!, ids[2]!])
  expect(await rows()).toEqual([...ids, ids[1], ids[2]])
  // Earlier events that were repeated don't go along with a later one.
  await databases.resend('orders', [ids[2]!])
  expect(await rows()).toEqual([...ids, ids[1], ids[2], ids[2]])
  await expect(orders().raw('select 1')).resolves.toBeTruthy()
})

test('nothing is sent again while the publication would lose it again', async () => {
  const id = randomUUID()
  await orders().raw(insert, [id, freshId('o')])
  await orders().raw('alter publication outbox drop table outbox')
  onTestFinished(() => orders().raw('alter publication outbox add table outbox'))
  await expect(databases.resend('orders', [id])).rejects.toThrow(/publication "outbox" lacks table "outbox"/)
})

test('freshness sees which rows there are, and not what is in them', async () => {
  const freshness = testDatabases.as('freshness', testDatabases.env.FRESHNESS_DB_PASSWORD!, 'orders')
  await freshness.raw('select id, xact_id from outbox limit 1')
  await expect(freshness.raw('select payload from outbox limit 1')).rejects.toThrow(/permission denied/)
  await expect(freshness.raw(insert, [randomUUID(), 'x'])).rejects.toThrow(/permission denied/)
  await expect(freshness.raw('select 1 from orders')).rejects.toThrow(/permission denied/)
})

/** The real databases, topics that hold what the test says, and slots that are where the test says. */
function world() {
  const slots = { passed: false }
  const ends = new Map<number, bigint>([[0, 1n]])
  let given: TopicReaderOptions | undefined
  const reader: TopicReader = {
    caughtUp: () => true,
    positions: () => ends,
    missing: () => [],
    trouble: () => undefined,
    stop: async () => {},
  }
  const topicIds = new Map<string, string>(domainTopics.map(({ name }) => [name, `${name}-${randomUUID()}`]))
  const open = () =>
    openAudit({
      topics: domainTopics,
      databases: {
        ...databases,
        behind: async (marks) => (slots.passed ? [] : [...marks.keys()]),
      },
      brokers: {
        highWatermarks: async (topics: string[]) => new Map(topics.map((topic) => [topic, ends])),
      } as unknown as Brokers,
      kafkaBrokers: [],
      topicId: async (topic) => topicIds.get(topic),
      log: openLog('test', 'silent'),
      read: (options) => {
        given = options
        return reader
      },
    })
  const deliver = (service: string, ids: readonly string[]) => {
    const messages = ids.map((id) => ({ headers: { ce_id: Buffer.from(id) } }))
    return given!.take({ topic: `${service}.events`, partition: 0, messages: messages as never, nextOffset: 2n })
  }
  /** Everything that is in the outboxes now. */
  const deliverAll = async () => {
    for (const { service } of domainTopics) {
      const { ids } = await databases.newRows(service, { below: 0n, unfinished: [] }, 1_000_000)
      await deliver(service, ids)
    }
  }
  return { slots, open, deliver, deliverAll, started: () => given !== undefined, topicIds }
}
/** Whether a promise is done, without waiting for it. */
function watch(promise: Promise<unknown>) {
  const state = { done: false, said: '' }
  promise.then(() => {
    state.done = true
  })
  return state
}

test('an event that never reaches its topic holds everything up, is named, sent again, and then it is complete', async () => {
  const { slots, open, deliver, deliverAll, started } = world()
  const audit = open()
  onTestFinished(() => audit.stop())
  let said = ''
  const first = audit.complete(signal, (what) => {
    said = what ?? ''
  })
  await waitUntil('the topics are read', started)
  await deliverAll()
  await first

  const aggregate = freshId('o')
  const [lost, delivered] = [randomUUID(), randomUUID()]
  await orders().raw(insert, [lost, aggregate])
  await orders().raw(insert, [delivered, aggregate])
  const second = audit.complete(signal, (what) => {
    said = what ?? ''
  })
  const state = watch(second)
  await deliver('orders', [delivered])
  await waitUntil('the connector is waited for', () => /the connector of orders/.test(said))
  expect(state.done).toBe(false)
  expect(audit.concerns().filter(({ part }) => part === 'orders')).toEqual([])

  slots.passed = true
  await waitUntil('the loss is known', () => audit.concerns().some(({ part }) => part === 'orders'))
  const [concern] = audit.concerns().filter(({ part }) => part === 'orders')
  expect(concern!.what).toContain(lost)
  expect(concern!.remedy).toBe('npx --no tributary outbox resend orders')
  const repeats = async () => {
    const { rows } = await orders().raw('select id from outbox where aggregateid = ? order by seq', [aggregate])
    return rows.map(({ id }: { id: string }) => id)
  }
  await waitUntil('it is sent again', async () => (await repeats()).length === 4)
  expect(await repeats()).toEqual([lost, delivered, lost, delivered])
  expect(state.done).toBe(false)
  await deliver('orders', [lost, delivered])
  await second
  expect(audit.concerns().filter(({ part }) => part === 'orders')).toEqual([])
})

test('what was lost while nobody looked is found at the next start', async () => {
  const { open, deliverAll, started, slots } = world()
  const before = open()
  const complete = before.complete(signal, () => {})
  await waitUntil('the topics are read', started)
  await deliverAll()
  await complete
  await before.stop()

  const lost = randomUUID()
  await orders().raw(insert, [lost, freshId('o')])
  const audit = open()
  onTestFinished(() => audit.stop())
  slots.passed = true
  const stopped = new AbortController()
  const again = audit.complete(stopped.signal, () => {}).catch(() => {})
  await waitUntil('the loss is known', () => audit.concerns().some(({ what }) => what.includes(lost)))
  expect(audit.concerns().find(({ what }) => what.includes(lost))!.what).toMatch(/^1 committed events/)
  stopped.abort()
  await again
})

test('a topic that was made anew is said, and compared from the beginning', async () => {
  const { open, deliverAll, started, topicIds } = world()
  const audit = open()
  onTestFinished(() => audit.stop())
  const complete = audit.complete(signal, () => {})
  await waitUntil('the topics are read', started)
  await deliverAll()
  await complete
  const id = randomUUID()
  await orders().raw(insert, [id, freshId('o')])
  topicIds.set('orders.events', 'another')
  const again = audit.complete(signal, () => {})
  const state = watch(again)
  await waitUntil('it is said', () => audit.concerns().some(({ part }) => part === 'orders.events'))
  expect(state.done).toBe(false)
  await deliverAll()
  await again
})
