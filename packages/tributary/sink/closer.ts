import { setTimeout as after } from 'node:timers/promises'
import type { Client } from '@elastic/elasticsearch'
import type { Kafka, KafkaMessage } from 'kafkajs'
import { sinkApp } from '#contracts/apps'
import type { Codec } from '#contracts/codec'
import { deadLettersOf } from '#contracts/topic'
import type { ReadModel } from '#read-models/read-model'
import type { Closer } from '#runtime/dead-letters/cli'
import { closingRecord, type OpenLetter, type Outcome } from '#runtime/dead-letters/letter'
import { type KafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import { readTopics } from '#runtime/topic-reader'
import { type ItemAnswer, judge, reasonOf } from './answers.ts'
import { generationsOf } from './generations.ts'
import { extentOf } from './positions.ts'
import { recordReader } from './records.ts'
import { versionOf } from './version.ts'

/** How long reading a letter's record may take, in ms. */
const READ_MS = 60_000

export interface SinkCloserOptions {
  readonly brokers: KafkaAt
  readonly client: Client
  readonly codec: Codec
  readonly readModels: readonly ReadModel[]
}

/**
 * Deals with the sink's dead letters, while the sink is at work or not: a record is read again from its place in the rows
 * topic and written with its own version, so that it never takes the place of a newer one.
 */
export function sinkCloser({ brokers, client, codec, readModels }: SinkCloserOptions): Closer {
  const kafka = new kafkajs.Kafka({
    clientId: 'tributary-dead-letters',
    ...kafkaOptions(brokers),
    logLevel: kafkajs.logLevel.NOTHING,
  })
  return {
    apps: [sinkApp],
    async replay(letter) {
      const model = readModels.find(({ topic }) => topic.name === letter.topic)
      if (!model) throw new Error(`no read model is made from topic "${letter.topic}"`)
      const { record, later } = await recordAt(kafka, brokers, letter)
      if (later) {
        const message = `the record of the same key at ${later.offset} took its place`
        await close(kafka, letter, 'superseded', message)
        return `superseded: ${message}`
      }
      if (!record) throw new Error('its record is no longer in the topic: drop the letter')
      const written = await write(client, codec, model, record)
      await close(kafka, letter, 'replayed', written)
      return `replayed: ${written}`
    },
    async drop(letter, reason) {
      await close(kafka, letter, 'dropped', reason)
      return 'dropped: its document stays as the records before it made it'
    },
  }
}

/** The letter's record as it stands in its topic, and the newest one of its key behind it. */
async function recordAt(kafka: Kafka, brokers: KafkaAt, { topic, partition, offset }: OpenLetter) {
  const admin = kafka.admin()
  await admin.connect()
  const extent = await extentOf(admin, topic).finally(() => admin.disconnect())
  const end = extent.get(partition)?.high ?? 0n
  let record: KafkaMessage | undefined
  let later: KafkaMessage | undefined
  let position = BigInt(offset)
  const reader = readTopics({
    brokers,
    clientId: 'tributary-dead-letters',
    topics: [topic],
    // Of the other partitions nothing is read.
    startAt: (_, other) => (other === partition ? position : extent.get(other)?.high),
    maxWaitMs: 100,
    take(batch) {
      if (batch.partition !== partition) return
      for (const message of batch.messages) {
        const at = Number(message.offset)
        if (at === offset) record = message
        else if (at > offset && record?.key && message.key?.equals(record.key)) later = message
      }
      position = batch.nextOffset
    },
  })
  try {
    const deadline = performance.now() + READ_MS
    while (position < end) {
      if (performance.now() > deadline)
        throw new Error(`topic "${topic}" can't be read: ${reader.trouble() ?? 'it takes long'}`)
      await after(10)
    }
  } finally {
    await reader.stop()
  }
  return { record, later }
}

/** Writes the record's document with its version. Gives where it is, or throws what it can't be written for. */
async function write(client: Client, codec: Codec, model: ReadModel, record: KafkaMessage): Promise<string> {
  const read = await recordReader(model, codec)(record)
  if (!read.ok) throw new Error(`it still can't become a document: ${read.reason}, ${read.explanation}`)
  const [newest] = await generationsOf(client, model.name)
  if (!newest) throw new Error(`read model "${model.name}" has no index: start the sink first`)
  const version = versionOf(newest.generation, Number(record.offset))
  const { items } = await client.bulk({
    index: newest.writeAlias,
    require_alias: true,
    refresh: true,
    operations: [JSON.stringify({ index: { _id: read.id, version, version_type: 'external' } }), read.body],
  })
  const answer = items[0]!.index as ItemAnswer
  const verdict = judge(answer)
  if (verdict === 'applied') return `it is document "${read.id}" of ${newest.index}`
  if (verdict === 'superseded') return `document "${read.id}" of ${newest.index} holds it, or what is newer`
  throw new Error(`Elasticsearch doesn't take it: ${reasonOf(answer)}`)
}

async function close(kafka: Kafka, letter: OpenLetter, outcome: Outcome, message: string): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  try {
    const { key, value, headers } = closingRecord({ id: letter.id, app: letter.app, outcome, message }, new Date())
    const messages = [{ key, value, headers: Object.fromEntries(headers) }]
    await producer.send({ topic: deadLettersOf(sinkApp).name, acks: -1, messages })
  } finally {
    await producer.disconnect()
  }
}
