import type { Plain } from 'tributary/contracts'
import { memoryCodec } from '../../packages/tributary/contracts/codec.ts'
import type { RowsTopic } from '../../packages/tributary/contracts/topic.ts'
import kafkajs from '../../packages/tributary/runtime/kafkajs.ts'
import { contracts } from '../../tests/harness/marketplace.ts'

const { Kafka, logLevel } = kafkajs

/** Writes records to rows topics, good and bad ones, with the schema ids of `memoryCodec`. */
export interface RowsWriter {
  rows<Row>(topic: RowsTopic<Row>, rows: readonly NoInfer<Plain<Row>>[]): Promise<void>
  raw(topic: string, key: string | Buffer | null, value: Buffer | null): Promise<void>
  close(): Promise<void>
}

/** Connects a producer to the brokers. */
export async function openRowsWriter(brokers: readonly string[]): Promise<RowsWriter> {
  const kafka = new Kafka({ clientId: 'test-rows', brokers: [...brokers], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const codec = memoryCodec(contracts)
  await codec.prepare(contracts)
  return {
    async rows<Row>(topic: RowsTopic<Row>, rows: readonly Plain<Row>[]) {
      const messages = rows.map((row) => ({ key: topic.key(row as Row), value: codec.encode(topic.row, row) }))
      await producer.send({ topic: topic.name, messages })
    },
    async raw(topic, key, value) {
      await producer.send({ topic, messages: [{ key, value, headers: { kept: 'yes' } }] })
    },
    close: () => producer.disconnect(),
  }
}

/** Every record of a topic, as far as it reaches now. */
export async function readTopic(brokers: readonly string[], topic: string) {
  const kafka = new Kafka({ clientId: 'test-reader', brokers: [...brokers], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const left = new Map(
    ends.filter(({ high, low }) => high !== low).map(({ partition, high }) => [partition, BigInt(high)]),
  )
  const records: { key: string | undefined; value: Buffer | null; headers: Record<string, string> }[] = []
  if (left.size === 0) return records
  const consumer = kafka.consumer({ groupId: `test-reader-${crypto.randomUUID()}`, maxWaitTimeInMs: 100 })
  const { promise, resolve } = Promise.withResolvers<void>()
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { key, value, headers } of batch.messages) {
        const text = Object.entries(headers ?? {}).map(([name, header]) => [name, String(header)])
        records.push({ key: key?.toString(), value, headers: Object.fromEntries(text) })
      }
      if (BigInt(batch.lastOffset()) + 1n >= (left.get(batch.partition) ?? 0n)) left.delete(batch.partition)
      if (left.size === 0) resolve()
    },
  })
  await promise
  await consumer.disconnect()
  return records
}
