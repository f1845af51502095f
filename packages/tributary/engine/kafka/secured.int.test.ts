import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { saslMechanisms } from '#runtime/config'
import { kafkaOptions, type SecuredKafka } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import { topicIdOf } from '#runtime/topic-id'
import { readTopics } from '#runtime/topic-reader'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { makeCertificates, pem } from '../../../../tests/harness/certificates.ts'
import { type SecuredBroker, startSecuredBroker } from '../../../../tests/harness/secured-kafka.ts'
import { Cluster } from './cluster.ts'

const certificates = makeCertificates()
const others = makeCertificates()
const login = { username: 'me', password: 'a-secret' }
const topic = `secured-${randomUUID()}`
let broker: SecuredBroker
const at = (more: Partial<SecuredKafka> = {}): SecuredKafka => ({
  brokers: [broker.address],
  tls: { ca: pem(certificates.ca) },
  sasl: { mechanism: 'SCRAM-SHA-512', ...login },
  ...more,
})
const clientOf = (more: Partial<SecuredKafka> = {}) =>
  new kafkajs.Kafka({
    ...kafkaOptions(at(more)),
    clientId: 'test',
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 0 },
  })
/** How many partitions the engine's client sees. */
async function learned(more: Partial<SecuredKafka> = {}): Promise<number | undefined> {
  const cluster = new Cluster({ brokers: at(more), clientId: 'test' })
  try {
    return (await cluster.learn([topic])).get(topic)
  } finally {
    await cluster.close()
  }
}

beforeAll(async () => {
  broker = await startSecuredBroker(connectStack(), certificates, login)
  await waitUntil(
    'the broker lets its login in',
    async () => {
      const admin = clientOf().admin()
      try {
        await admin.connect()
        return await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true })
      } finally {
        await admin.disconnect()
      }
    },
    { timeoutMs: 60_000 },
  )
})
afterAll(async () => {
  await broker?.stop()
  for (const { folder } of [certificates, others]) rmSync(folder, { recursive: true })
})

test.each(saslMechanisms)('both clients enter with TLS and %s', async (mechanism) => {
  const sasl = { mechanism, ...login }
  const producer = clientOf({ sasl }).producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ key: 'k', value: mechanism }] })
  await producer.disconnect()
  expect(await learned({ sasl })).toBe(3)
  expect(await topicIdOf(at({ sasl }), topic)).toMatch(/^[0-9a-f]{32}$/)
})

test('a reader without a group reads there, too', async () => {
  const producer = clientOf().producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ key: 'r', value: 'read me' }] })
  await producer.disconnect()
  const read: string[] = []
  const reader = readTopics({
    brokers: at(),
    clientId: 'test',
    topics: [topic],
    maxWaitMs: 100,
    take: async ({ messages }) => void read.push(...messages.map(({ value }) => String(value))),
  })
  try {
    await waitUntil('the record is read', () => read.includes('read me'))
  } finally {
    await reader.stop()
  }
})

test('who has another password, another CA, no login or no TLS is kept out', async () => {
  const wrong: Partial<SecuredKafka>[] = [
    { sasl: { mechanism: 'PLAIN', ...login, password: 'guessed' } },
    { sasl: { mechanism: 'SCRAM-SHA-256', ...login, password: 'guessed' } },
    { tls: { ca: pem(others.ca) } },
    { tls: {} },
    { sasl: undefined },
    { tls: undefined, sasl: undefined },
  ]
  for (const more of wrong) {
    await expect(learned(more), JSON.stringify(more)).rejects.toThrow()
    await expect(topicIdOf(at(more), topic), JSON.stringify(more)).rejects.toThrow('no broker of')
    const admin = clientOf(more).admin()
    await expect(
      admin.connect().then(() => admin.listTopics()),
      JSON.stringify(more),
    ).rejects.toThrow()
    await admin.disconnect()
  }
})
