import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import kafkajs from '../kafkajs.ts'
import { followLetters, readLetterAt, readOpenLetters } from './follow.ts'
import { closingRecord, type Letter, type LetterRecord, letterId, letterRecord } from './letter.ts'

const brokers = connectStack().env.KAFKA_BROKERS!.split(',')

const letterOf = (offset: number): Letter => ({
  id: letterId('orders.events', 0, offset, null),
  app: 'sink',
  topic: 'orders.events',
  partition: 0,
  offset,
  timestamp: 1,
  reason: 'unreadable',
  message: 'no value',
  key: Buffer.from(`o${offset}`),
  value: null,
  headers: [],
})

/** A dead-letter topic of its own, and somebody who writes to it in transactions. */
async function letterTopic() {
  const topic = `${randomUUID()}.dead-letters`
  const kafka = new kafkajs.Kafka({ clientId: 'test', brokers, logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
  await Promise.all([admin.connect(), producer.connect()])
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  onTestFinished(async () => {
    await admin.deleteTopics({ topics: [topic] })
    await Promise.all([admin.disconnect(), producer.disconnect()])
  })
  const write = async (records: readonly LetterRecord[], outcome: 'commit' | 'abort' = 'commit') => {
    const transaction = await producer.transaction()
    const messages = records.map(({ key, value, headers }) => ({ key, value, headers: Object.fromEntries(headers) }))
    await transaction.send({ topic, messages })
    await transaction[outcome]()
  }
  const makeAnew = async () => {
    await admin.deleteTopics({ topics: [topic] })
    await waitUntil('the topic can be made again', () =>
      admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }).catch(() => false),
    )
  }
  return { topics: new Map([['sink', topic]]), write, makeAnew }
}

test('open letters are followed from the first on: written, closed, and none of an aborted transaction', async () => {
  const { topics, write } = await letterTopic()
  const now = new Date()
  await write([letterRecord(letterOf(1), now)])
  await write([letterRecord(letterOf(9), now)], 'abort')
  const letters = followLetters(brokers, topics, 'test')
  onTestFinished(() => letters.stop())
  const keys = () => (letters.open().get('sink') ?? []).map(({ key }) => String(key))
  await waitUntil('all letters are known', letters.known)
  expect(keys()).toEqual(['o1'])

  await write([letterRecord(letterOf(2), now)])
  await waitUntil('the second letter is open', () => keys().length === 2)
  const closing = { id: letterOf(1).id, app: 'sink', outcome: 'dropped', message: 'nobody misses it' } as const
  await write([closingRecord(closing, now)])
  await waitUntil('the first letter is closed', () => keys().join() === 'o2')
  const [read] = (await readOpenLetters(brokers, topics, 'test')).open.get('sink')!
  expect(read).toMatchObject({ id: letterOf(2).id, reason: 'unreadable', offset: 2 })
})

test('a topic that is not there yet is found once it is', async () => {
  const letters = followLetters(brokers, new Map([['sink', `${randomUUID()}.dead-letters`]]), 'test')
  onTestFinished(() => letters.stop())
  await waitUntil('it says why nothing is known', () => /topic/i.test(letters.trouble() ?? ''))
  expect(letters.known()).toBe(false)
})

test('a topic that is not there is named, and leaves the letters of the others known', async () => {
  const { topics, write } = await letterTopic()
  await write([letterRecord(letterOf(1), new Date())])
  const missing = `${randomUUID()}.dead-letters`
  const both = new Map([['payments.inbox', missing], ...topics])
  const { open, unread } = await readOpenLetters(brokers, both, 'test')
  expect([...open.keys()]).toEqual(['sink'])
  expect([...unread]).toEqual([['payments.inbox', missing]])

  const letters = followLetters(brokers, both, 'test')
  onTestFinished(() => letters.stop())
  await waitUntil('the letters of the sink are known', () => letters.known('sink'))
  expect([letters.known('payments.inbox'), letters.known()]).toEqual([false, false])
  await write([letterRecord(letterOf(2), new Date())])
  await waitUntil('they are followed', () => letters.open().get('sink')?.length === 2)
})

test('a topic made anew is read from its first letter, however many there are', async () => {
  const { topics, write, makeAnew } = await letterTopic()
  await write([letterRecord(letterOf(1), new Date())])
  const letters = followLetters(brokers, topics, 'test')
  onTestFinished(() => letters.stop())
  const offsets = () => (letters.open().get('sink') ?? []).map(({ offset }) => offset)
  await waitUntil('the letter is known', () => offsets().join() === '1')
  await makeAnew()
  for (const offset of [2, 3, 4]) await write([letterRecord(letterOf(offset), new Date())])
  await waitUntil('those of the new topic are known', () => offsets().join() === '2,3,4')
})

test('a letter is read whole from its place', async () => {
  const { topics, write } = await letterTopic()
  const value = Buffer.alloc(100_000, 'v')
  await write([letterRecord(letterOf(1), new Date())])
  await write([letterRecord({ ...letterOf(2), value, headers: [['ce_id', Buffer.from('7')]] }, new Date())])
  const { open } = await readOpenLetters(brokers, topics, 'test')
  const [, letter] = open.get('sink')!
  const whole = await readLetterAt(brokers, topics.get('sink')!, letter!, 'test')
  expect(whole).toEqual({ ...letter, value, headers: [['ce_id', Buffer.from('7')]] })
  const other = { ...letter!, id: 'another' }
  await expect(readLetterAt(brokers, topics.get('sink')!, other, 'test')).rejects.toThrow('no longer there')
})
