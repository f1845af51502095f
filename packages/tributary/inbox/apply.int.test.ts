import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Codec, memoryCodec } from '#contracts/codec'
import { isLocked } from '#database/locks'
import { OrderApproved, OrderCanceled, PaymentReceived } from '../../../schemas/contracts.generated.ts'
import { Orders } from '../../../schemas/topics.ts'
import { type Databases, freshId, openDatabases } from '../../../tests/harness/databases.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import { type ApplyContext, applyRecords, type Outcome, tryRecords } from './apply.ts'
import type { SetAside } from './dead-letters.ts'
import { parkedKeys } from './parking.ts'
import { claimPositions, positionOf } from './position.ts'
import { purgeInbox } from './purge.ts'
import { type InboxRecord, readRecord } from './record.ts'
import { dropKey, replayKey } from './replay.ts'
import { subscription } from './subscription.ts'

let databases: Databases
let db: Knex
let codec: Codec
let context: ApplyContext
let topic: string
let offset: bigint
/** Orders whose handler fails. */
let broken: Set<string>
/** A key no other test uses. */
let bad: string
/** Which calls of it fail besides, counted from 1. */
let fails: (call: number) => boolean
let letters: SetAside[]
let closings: string[]
let outcomes: Partial<Record<Outcome, number>>

beforeAll(async () => {
  databases = await openDatabases()
  db = await databases.service('payments')
  await databases.superuser('payments').raw(`
    create table if not exists test_effects (topic text, order_id text, what text, n serial);
    grant select, insert on test_effects to payments; grant usage on sequence test_effects_n_seq to payments`)
  codec = memoryCodec(contracts)
  await codec.prepare(contracts)
})
afterAll(() => databases[Symbol.asyncDispose]())

beforeEach(() => {
  topic = freshId('topic')
  offset = 0n
  broken = new Set()
  bad = freshId('bad')
  fails = () => false
  let calls = 0
  letters = []
  closings = []
  outcomes = {}
  const note = (what: string) => async (trx: Knex.Transaction, event: { orderId: string }) => {
    await trx('test_effects').insert({ topic, order_id: event.orderId, what })
    if (fails(++calls) || broken.has(event.orderId)) throw new Error('the handler fails')
  }
  context = {
    db,
    subscription: subscription(
      { ...Orders, name: topic },
      { OrderApproved: note('approved'), OrderCanceled: note('canceled') },
    ),
    deadLetters: {
      send: async (records) => void letters.push(...records),
      close: async (ids, outcome) => void closings.push(...ids.map((id) => `${id.split('/').at(-1)} ${outcome}`)),
    },
    retryPauses: [1, 1],
    counted: (outcome, count) => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count
    },
  }
})

const read = (
  key: string | null,
  value: Buffer | null,
  type?: string,
  id = freshId('event'),
  partition = 0,
): Promise<InboxRecord> =>
  readRecord(
    {
      topic,
      partition,
      offset: offset++,
      timestamp: 1,
      key: key === null ? null : Buffer.from(key),
      value,
      headers: { ce_id: id, ...(type && { ce_type: type }) },
    },
    context.subscription,
    codec,
  )
const approved = (orderId: string, id?: string, partition?: number) =>
  read(orderId, codec.encode(OrderApproved, { orderId, approvedAt: null }), OrderApproved.name, id, partition)
const canceled = (orderId: string) => read(orderId, codec.encode(OrderCanceled, { orderId }), OrderCanceled.name)
const effects = async () =>
  (await db('test_effects').where({ topic }).orderBy('n')).map((e) => `${e.order_id} ${e.what}`)
const waiting = async () => (await parkedKeys(db)).filter((parked) => parked.topic === topic)
const replayContext = () => ({
  db,
  codec,
  subscriptions: [context.subscription],
  deadLetters: context.deadLetters,
})

test('events are handled in order, once, however often they are read', async () => {
  const records = [await approved('a'), await approved('b'), await canceled('a')]
  await applyRecords(context, records)
  await applyRecords(context, records)
  await applyRecords(context, [...records.slice(2), await canceled('b')])
  expect(await effects()).toEqual(['a approved', 'b approved', 'a canceled', 'b canceled'])
})

test('a handler is told of an event that is republished, and may pass it over', async () => {
  context = {
    ...context,
    subscription: subscription(
      { ...Orders, name: topic },
      {
        OrderCanceled: async (trx, { orderId }, { republished }) => {
          if (republished) return
          await trx('test_effects').insert({ topic, order_id: orderId, what: 'letter sent' })
        },
      },
    ),
  }
  const again = await canceled('a')
  const headers = { ...again.raw.headers, ce_republished: 'true' }
  await applyRecords(context, [
    await canceled('a'),
    await readRecord({ ...again.raw, headers }, context.subscription, codec),
  ])
  expect(await effects()).toEqual(['a letter sent'])
  expect(outcomes).toEqual({ handled: 2 })
})

test('records of several partitions share a transaction, and each partition keeps its own position', async () => {
  const records = [
    await approved('a', undefined, 3),
    await approved('b', undefined, 1),
    await approved('c', undefined, 3),
  ]
  await applyRecords(context, records)
  expect(await positionOf(db, topic, 1)).toBe(records[1]!.raw.offset + 1n)
  expect(await positionOf(db, topic, 3)).toBe(records[2]!.raw.offset + 1n)
  await applyRecords(context, [...records, await approved('d', undefined, 1)])
  expect(await effects()).toEqual(['a approved', 'b approved', 'c approved', 'd approved'])
})

test('tried together, a handler that fails leaves nothing behind: each partition is then on its own', async () => {
  broken.add(bad)
  const records = [await approved('a', undefined, 1), await approved(bad, undefined, 2)]
  expect(await tryRecords(context, records)).toBe(false)
  expect(await effects()).toEqual([])
  expect(await positionOf(db, topic, 1)).toBe(0n)
  broken.delete(bad)
  expect(await tryRecords(context, records)).toBe(true)
  expect(await effects()).toEqual(['a approved', `${bad} approved`])
})

test('two members that both hold the partition handle each event once', async () => {
  const records = await Promise.all(Array.from({ length: 20 }, (_, i) => approved(`o${i}`)))
  await Promise.all([applyRecords(context, records), applyRecords(context, records)])
  expect(await effects()).toHaveLength(20)
})

test('an event that stands on the topic twice is handled once', async () => {
  await applyRecords(context, [await approved('a', 'same'), await approved('a', 'same')])
  await applyRecords(context, [await approved('a', 'same')])
  expect(await effects()).toEqual(['a approved'])
})

test('what was purged from the inbox is not handled again', async () => {
  const records = [await approved('a')]
  await applyRecords(context, records)
  await db('inbox')
    .where({ topic })
    .update({ received_at: new Date(0) })
  await purgeInbox(db)
  expect(await db('inbox').where({ topic })).toEqual([])
  await applyRecords(context, records)
  expect(await effects()).toEqual(['a approved'])
})

test('a poison event parks its key after a bounded number of tries; other keys go on', async () => {
  broken.add(bad)
  const records = [
    await approved('a'),
    await approved(bad),
    await approved('b'),
    await canceled(bad),
    await canceled('a'),
  ]
  await applyRecords(context, records)
  await applyRecords(context, [await canceled('b')])
  expect(await effects()).toEqual(['a approved', 'b approved', 'a canceled', 'b canceled'])
  expect(await waiting()).toMatchObject([{ key: bad, events: 2, reason: 'author-error', message: 'the handler fails' }])
  // What waits behind it has no letter of its own.
  expect(letters.map(({ raw, reason }) => [raw.key?.toString(), raw.offset, reason])).toEqual([
    [bad, 1n, 'author-error'],
  ])
  expect(outcomes).toEqual({ handled: 4, parked: 2 })
})

test('a handler that fails now and then is tried again, not parked', async () => {
  fails = (call) => call <= 2
  await applyRecords(context, [await approved('a'), await approved('b')])
  expect(await effects()).toEqual(['a approved', 'b approved'])
  expect(await waiting()).toEqual([])
})

test('a handler that fails at another record, when those before a failed one are repeated, costs none of them', async () => {
  broken.add(bad)
  const records = [await approved('a'), await approved('b'), await approved('c'), await approved(bad)]
  // The first pass ends at the broken one; the second, over a, b and c, at c.
  fails = (call) => call === 7
  await applyRecords(context, [...records, await approved('d')])
  expect(await effects()).toEqual(['a approved', 'b approved', 'c approved', 'd approved'])
  expect((await waiting()).map(({ key }) => key)).toEqual([bad])
})

test('a replayed key is handled in order, and what follows goes on', async () => {
  broken.add(bad)
  await applyRecords(context, [await approved(bad), await canceled(bad)])
  await expect(replayKey(replayContext(), bad)).rejects.toThrow('the handler fails')
  broken.clear()
  expect(await replayKey(replayContext(), bad)).toEqual([{ topic, replayed: 2, dropped: 0 }])
  expect(closings).toEqual(['0 replayed', '1 replayed'])
  await applyRecords(context, [await approved(bad)])
  expect(await effects()).toEqual([`${bad} approved`, `${bad} canceled`, `${bad} approved`])
  expect(await waiting()).toEqual([])
})

test('dropping a key drops the event that failed and replays those behind it', async () => {
  broken.add(bad)
  await applyRecords(context, [await approved(bad), await canceled(bad)])
  broken.clear()
  expect(await dropKey(replayContext(), bad, { all: false })).toEqual([{ topic, replayed: 1, dropped: 1 }])
  expect(closings).toEqual(['0 dropped', '1 replayed'])
  expect(await effects()).toEqual([`${bad} canceled`])
  await expect(dropKey(replayContext(), bad, { all: true })).rejects.toThrow('nothing waits for key')
})

test('dropping says what it dropped when the next event fails, too', async () => {
  broken.add(bad)
  await applyRecords(context, [await approved(bad), await canceled(bad)])
  await expect(dropKey(replayContext(), bad, { all: false })).rejects.toThrow(
    /1 dropped, but .*the handler fails; go on with `inbox replay`/,
  )
  expect(await waiting()).toMatchObject([{ key: bad, events: 1, reason: 'author-error' }])
  // It is the first now: it has a letter, and the dropped one's is closed.
  expect(letters.map(({ raw }) => raw.offset)).toEqual([0n, 1n])
  expect(closings).toEqual(['0 dropped'])
})

test('garbage, an unknown schema, and a type of another topic are parked; the rest flows', async () => {
  const unknownSchema = Buffer.concat([Buffer.from([0, 0, 0, 0xff, 0xff]), Buffer.from('x')])
  const payment = codec.encode(PaymentReceived, { orderId: 'o', sequence: 1, type: 't', installments: 1, cents: 1 })
  await applyRecords(context, [
    await read('g1', Buffer.from('garbage\0')),
    await read(null, Buffer.alloc(0)),
    await read('g2', unknownSchema),
    await read('g3', payment),
    await read('g4', codec.encode(OrderCanceled, { orderId: 'g4' }), OrderApproved.name),
    await read('erased', null),
    await approved('a'),
  ])
  expect(await effects()).toEqual(['a approved'])
  expect(letters.map(({ reason }) => reason)).toEqual([
    'unreadable',
    'unreadable',
    'unknown-schema',
    'unexpected-type',
    'unexpected-type',
  ])
  expect(await waiting()).toHaveLength(5)
})

test('what no column could hold as it is keeps nobody waiting, and can be dealt with', async () => {
  const long = randomBytes(8_000).toString('base64')
  const garbage = Buffer.from('garbage')
  const late = await read('late', garbage)
  await applyRecords(context, [
    await read('n\0ul', garbage),
    await read(long, garbage),
    { ...late, raw: { ...late.raw, timestamp: Number('9223372036854775807') } },
    await approved('a', 'i\0d'),
    await approved('b', long),
    await approved('c'),
  ])
  expect(await effects()).toEqual(['a approved', 'b approved', 'c approved'])
  const keys = (await waiting()).map(({ key }) => key)
  expect(keys).toHaveLength(3)
  for (const key of keys) await dropKey(replayContext(), key, { all: false })
  expect(await waiting()).toEqual([])
})

test('records at the same place of two topics of one name wait side by side', async () => {
  for (const topicId of ['former', 'new']) {
    await claimPositions(db, topic, topicId)
    offset = 0n
    const { raw } = await read(bad, Buffer.from(topicId))
    await applyRecords(context, [
      await readRecord({ ...raw, topicId, headers: {}, timestamp: Date.now() }, context.subscription, codec),
    ])
    await claimPositions(db, topic, topicId)
  }
  expect(await waiting()).toMatchObject([{ key: bad, events: 2 }])
  await dropKey(replayContext(), bad, { all: true })
  expect(closings).toHaveLength(2)
})

test('when dead letters cannot be sent nothing is lost: the same call works later', async () => {
  broken.add(bad)
  const records = [await approved(bad), await approved('a')]
  const refused = () => Promise.reject(new Error('connection error'))
  const away = { ...context, deadLetters: { send: refused, close: refused } }
  await expect(applyRecords(away, records)).rejects.toThrow('connection error')
  await applyRecords(context, records)
  expect(await effects()).toEqual(['a approved'])
  expect(await waiting()).toHaveLength(1)
})

test.each([
  ['a statement that the database can not make sense of', 'select nothing from nowhere', 'does not exist'],
  ['a right that is missing', 'create table mine (id int)', 'permission denied'],
])('%s is the fault of the handler: it is tried again, then its key is parked', async (_, sql, message) => {
  const failing = subscription(context.subscription.topic, {})
  const handlers = new Map([[OrderApproved.name, (trx: Knex) => trx.raw(sql).then(() => {})]])
  await applyRecords({ ...context, subscription: { ...failing, handlers } }, [await approved(bad)])
  expect((await waiting())[0]).toMatchObject({ key: bad, reason: 'author-error' })
  expect((await waiting())[0]?.message).toContain(message)
})

test('a handler that passes over a database error of its own parks its key, and nobody else waits', async () => {
  const passing = new Map([
    ...context.subscription.handlers,
    [
      OrderCanceled.name,
      (trx: Knex) =>
        trx.raw('select 1 / 0').then(
          () => {},
          () => {},
        ),
    ],
  ])
  const records = [await approved('a'), await canceled(bad), await approved('b')]
  await applyRecords({ ...context, subscription: { ...context.subscription, handlers: passing } }, records)
  expect(await effects()).toEqual(['a approved', 'b approved'])
  expect((await waiting()).map(({ key }) => key)).toEqual([bad])
})

test('a topic that was made anew is read from its first record; what comes a second time is not handled again', async () => {
  const records = [await approved('a', 'a-1'), await approved('b', 'b-1')]
  await applyRecords(context, records)
  expect(await claimPositions(db, topic, 'first')).toBe(false)
  expect(await claimPositions(db, topic, 'first')).toBe(false)
  offset = 0n
  const again = [await approved('a', 'a-1'), await approved('c', 'c-1')]
  await applyRecords(context, again)
  expect(await effects()).toEqual(['a approved', 'b approved'])
  expect(await claimPositions(db, topic, 'second')).toBe(true)
  expect(await claimPositions(db, topic, 'second')).toBe(false)
  const { raw } = again[1]!
  const fresh = again.map((record) => ({ ...record, raw: { ...record.raw, timestamp: Date.now() } }))
  // As old as the inbox forgets: it was in the former topic.
  const old = {
    ...(await approved('old', 'old-1')),
    raw: { ...raw, offset: 2n, timestamp: Date.now() - 8 * 86_400_000 },
  }
  await applyRecords(context, [...fresh, old])
  expect(await effects()).toEqual(['a approved', 'b approved', 'c approved'])
})

test('an event that waits for a row somebody holds is neither parked nor lost, and only its partition waits', async () => {
  const held = freshId('held')
  await db('known_orders').insert({ order_id: held })
  const holder = await databases.superuser('payments').transaction()
  await holder.raw('select from known_orders where order_id = ? for update', [held])
  const locking = new Map([
    ...context.subscription.handlers,
    [
      OrderCanceled.name,
      async (trx: Knex) => {
        await trx.raw('set local lock_timeout = 50')
        await trx('known_orders').where({ order_id: held }).update({ closed: 'canceled' })
      },
    ],
  ])
  const locked = { ...context, subscription: { ...context.subscription, handlers: locking } }
  const [waits, other] = [await canceled(held), await approved('a', undefined, 1)]
  expect(await tryRecords(locked, [waits, other])).toBe(false)
  await applyRecords(locked, [other])
  await expect(applyRecords(locked, [waits])).rejects.toSatisfy(isLocked)
  expect(await effects()).toEqual(['a approved'])
  await holder.rollback()
  await applyRecords(locked, [waits])
  expect(await db('known_orders').where({ order_id: held })).toMatchObject([{ closed: 'canceled' }])
  expect(letters).toEqual([])
})

test('an outage is not held against an event', async () => {
  const gone = Object.assign(new Error('terminating connection'), { code: '57P01' })
  const failing = subscription(context.subscription.topic, {})
  const handlers = new Map([[OrderApproved.name, () => Promise.reject(gone)]])
  const records = [await approved('a')]
  await expect(applyRecords({ ...context, subscription: { ...failing, handlers } }, records)).rejects.toBe(gone)
  await applyRecords(context, records)
  expect(await effects()).toEqual(['a approved'])
  expect(letters).toEqual([])
})
