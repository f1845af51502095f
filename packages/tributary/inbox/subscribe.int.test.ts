import type { Knex } from 'knex'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applyTopics } from '#contracts/apply-topics'
import { inboxApp } from '#contracts/apps'
import { memoryCodec } from '#contracts/codec'
import { deadLettersOf } from '#contracts/topic'
import { readServiceLogin } from '#database/settings'
import { publish, withOutbox } from '#outbox/outbox'
import { readLetterAt, readOpenLetters } from '#runtime/dead-letters/follow'
import kafkajs from '#runtime/kafkajs'
import { openLog } from '#runtime/log'
import { Registry } from '#runtime/metrics'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { OrderCanceled, PaymentReversed } from '../../../schemas/contracts.generated.ts'
import { Orders } from '../../../schemas/topics.ts'
import { type Databases, freshId, openDatabases } from '../../../tests/harness/databases.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import { subscribe } from './subscribe.ts'
import { pgSubscription, subscription } from './subscription.ts'

const brokers = [connectStack().env.KAFKA_BROKERS!]
const topic = { ...Orders, name: freshId('orders.events') }
const deadLetters = deadLettersOf(inboxApp('payments'))
const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
// A retried send must not put an event on the topic twice: the inbox is purged here, so nothing would know it again.
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
const codec = memoryCodec(contracts)
let databases: Databases
let superuser: Knex
/** Keys whose handler fails. */
const broken = new Set<string>()

beforeAll(async () => {
  databases = await openDatabases()
  superuser = databases.superuser('payments')
  await superuser.raw('create table if not exists test_counts (topic text, order_id text, n serial)')
  await superuser.raw('grant select, insert on test_counts to payments')
  await superuser.raw('grant usage on sequence test_counts_n_seq to payments')
  await codec.prepare(contracts)
  await applyTopics(brokers, [topic, deadLetters])
  await producer.connect()
})
afterAll(async () => {
  await producer.disconnect()
  await databases[Symbol.asyncDispose]()
})

const options = () => ({
  service: 'payments',
  codec,
  brokers,
  log: openLog('test', 'silent'),
  metrics: new Registry(),
  retryPauses: [1],
})
const start = async () =>
  subscribe({
    ...options(),
    db: await databases.service('payments'),
    subscriptions: [
      subscription(topic, {
        OrderCanceled: async (trx, { orderId }) => {
          await trx.raw('insert into test_counts (topic, order_id) values (?, ?)', [topic.name, orderId])
          if (broken.has(orderId)) throw new Error('the handler fails')
        },
      }),
    ],
  })
const message = (key: string, ce_id: string) => ({
  key,
  value: codec.encode(OrderCanceled, { orderId: key }),
  headers: { ce_id, ce_type: OrderCanceled.name },
})
const send = (orderIds: readonly string[]) =>
  producer.send({
    topic: topic.name,
    messages: orderIds.map((orderId) => message(orderId, freshId('event'))),
  })
const openLetters = async () => {
  const { open } = await readOpenLetters(brokers, new Map([[deadLetters.app, deadLetters.name]]), 'test')
  return open.get(deadLetters.app) ?? []
}
const handled = async () =>
  (await superuser('test_counts').where({ topic: topic.name }).orderBy('n')).map((row) => row.order_id as string)

test('events are handled once across stops, a lost group position and a purged inbox', async () => {
  const ids = Array.from({ length: 3_000 }, (_, i) => `o${i}`)
  await send(ids.slice(0, 2_000))
  const first = await start()
  await waitUntil('some events are handled', async () => (await handled()).length > 0)
  await first.stop()

  const admin = kafka.admin()
  await admin.connect()
  await admin.resetOffsets({ groupId: inboxApp('payments'), topic: topic.name, earliest: true })
  await admin.disconnect()
  await superuser('inbox').where({ topic: topic.name }).delete()
  await send(ids.slice(2_000))

  const second = await start()
  await waitUntil('all events are handled', async () => (await handled()).length >= ids.length)
  await second.stop()
  expect((await handled()).toSorted()).toEqual(ids.toSorted())
})

test('a service without knex subscribes with a pg pool: its handlers get the client and publish with it, once', async () => {
  const [good, bad] = [freshId('good'), freshId('bad')]
  broken.add(bad)
  const { default: system } = await import('../../../tributary.config.ts')
  const { publishes } = await system.loadService('payments')
  const pool = new pg.Pool({ ...readServiceLogin('payments', databases.env), max: 4 })
  const begin = async () =>
    subscribe({
      ...options(),
      db: pool,
      subscriptions: [
        pgSubscription(topic, {
          OrderCanceled: async (client, { orderId }) => {
            await client.query('insert into test_counts (topic, order_id) values ($1, $2)', [topic.name, orderId])
            await publish(client, PaymentReversed, { orderId, sequence: 1 })
            if (broken.has(orderId)) throw new Error('the handler fails')
          },
        }),
      ],
    })
  await withOutbox(pool, codec, publishes, { judges: false })
  const id = freshId('event')
  // Twice under one id: delivered again.
  const messages = [message(good, id), message(bad, freshId('event')), message(good, id)]
  await producer.send({ topic: topic.name, messages })
  const inbox = await begin()
  await waitUntil('both were dealt with', async () => {
    const parked = await superuser('inbox_parked').where({ topic: topic.name, key: bad })
    return parked.length === 1 && (await handled()).includes(good)
  })
  await inbox.stop()
  const last = freshId('last')
  await send([last])
  const again = await begin()
  await waitUntil('the pool serves again after a stop', async () => (await handled()).includes(last))
  await again.stop()
  await pool.end()
  expect((await handled()).filter((one) => one === good || one === bad)).toEqual([good])
  const events = await superuser('outbox').whereIn('aggregateid', [`${good}/1`, `${bad}/1`])
  expect(events.map(({ aggregateid }) => aggregateid)).toEqual([`${good}/1`])
})

test('a poison event goes to the dead letters with its reason, and others go on', async () => {
  const [bad, good] = [freshId('bad'), freshId('good')]
  broken.add(bad)
  await send([bad, good, bad])
  const inbox = await start()
  await waitUntil('the good one is handled', async () => (await handled()).includes(good))
  await waitUntil('both bad ones wait', async () => {
    const rows = await superuser('inbox_parked').where({ topic: topic.name, key: bad })
    return rows.length === 2
  })
  await inbox.stop()
  expect(await handled()).not.toContain(bad)

  const [letter, ...others] = (await openLetters()).filter(({ key }) => key?.toString() === bad)
  expect(letter).toMatchObject({ topic: topic.name, app: 'payments.inbox', reason: 'author-error' })
  const { headers } = await readLetterAt(brokers, deadLetters.name, letter!, 'test')
  expect(headers.map(([name, content]) => [name, content.toString()])).toContainEqual(['ce_type', OrderCanceled.name])
  // The other one waits behind it.
  expect(others).toEqual([])
})

test('a record as large as a broker takes becomes a dead letter that fits, the rest flows, and health names what waits', async () => {
  const [key, good] = [freshId('large'), freshId('good')]
  await producer.send({ topic: topic.name, messages: [{ key, value: Buffer.alloc(1_040_000, 7) }] })
  await send([good])
  const inbox = await start()
  await waitUntil('the good one is handled', async () => (await handled()).includes(good))
  const [letter] = await waitUntil('its letter is there', async () => {
    const found = (await openLetters()).filter((each) => each.key?.toString() === key)
    return found.length > 0 && found
  })
  const whole = await readLetterAt(brokers, deadLetters.name, letter!, 'test')
  expect(whole).toMatchObject({ reason: 'unreadable', valueBytes: 1_040_000 })
  const concern = await waitUntil('health names it', () =>
    inbox.concerns().find(({ part }) => part === 'payments.inbox'),
  )
  expect(concern.what).toMatch(/\d+ keys with \d+ events wait, the first since/)
  expect(concern.remedy).toContain('npx --no tributary dead-letters list payments.inbox')
  await inbox.stop()

  // A letter whose record was released while nobody could say so is closed; one that was lost is written again.
  await superuser('inbox_parked').where({ key }).delete()
  await superuser('inbox_parked_keys').where({ key }).delete()
  const again = await start()
  await waitUntil('its letter is closed', async () => !(await openLetters()).some(({ id }) => id === letter!.id))
  await again.stop()
})

test('a subscriber that joins its group again behind the end of a transaction goes on', async () => {
  const transactions = kafka.producer({ transactionalId: freshId('transactions'), maxInFlightRequests: 1 })
  await transactions.connect()
  // All of one partition: the first one's end stands where the second one is looked for.
  const [committed, aborted, next] = [freshId('committed'), freshId('aborted'), freshId('next')]
  const sendAs = async (orderId: string, end: 'commit' | 'abort') => {
    const transaction = await transactions.transaction()
    const value = codec.encode(OrderCanceled, { orderId })
    const headers = { ce_id: freshId('event'), ce_type: OrderCanceled.name }
    await transaction.send({ topic: topic.name, messages: [{ key: orderId, value, headers, partition: 0 }] })
    await transaction[end]()
  }
  const inbox = await start()
  await sendAs(committed, 'commit')
  await waitUntil('the first one is handled', async () => (await handled()).includes(committed))

  const admin = kafka.admin()
  await admin.connect()
  const groupId = inboxApp('payments')
  const members = async () => (await admin.describeGroups([groupId])).groups[0]?.members.length
  const guest = kafka.consumer({ groupId })
  await guest.connect()
  await guest.subscribe({ topics: [topic.name] })
  await guest.run({ autoCommit: false, eachMessage: async () => {} })
  await waitUntil('another one has joined', async () => (await members()) === 2, { timeoutMs: 40_000 })
  await guest.disconnect()
  await waitUntil('it is alone again', async () => (await members()) === 1 && inbox.fault() === undefined)
  await admin.disconnect()

  await sendAs(aborted, 'abort')
  await sendAs(next, 'commit')
  await waitUntil('the next one is handled', async () => (await handled()).includes(next), { timeoutMs: 20_000 })
  expect(await handled()).not.toContain(aborted)
  expect(inbox.fault()).toBeUndefined()
  await transactions.disconnect()
  await inbox.stop()
})

test('a topic that is deleted and made anew under a running subscriber is read from its first record, and said to be', async () => {
  const inbox = await start()
  const [before, after] = [freshId('before'), freshId('after')]
  await send([before])
  await waitUntil('it is handled', async () => (await handled()).includes(before))
  await waitUntil(
    'the topic is known',
    async () =>
      (await superuser('inbox_offsets').where({ topic: topic.name }).whereNotNull('topic_id').first('topic_id')) !==
      undefined,
  )
  const admin = kafka.admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [topic.name] })
  await waitUntil('it is gone', async () => !(await admin.listTopics()).includes(topic.name))
  await waitUntil('it is made anew', () => applyTopics(brokers, [topic]).then(() => true))
  await admin.disconnect()
  await waitUntil('an event is sent', () => send([after]).then(() => true))
  await waitUntil('it is handled', async () => (await handled()).includes(after), { timeoutMs: 50_000 })
  await waitUntil('it is said', () =>
    inbox.concerns().some(({ what }) => what.startsWith(`topic "${topic.name}" was deleted and made anew`)),
  )
  await inbox.stop()
})
