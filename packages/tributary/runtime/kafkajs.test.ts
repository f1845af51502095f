import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import './kafkajs.ts'
import { UNREADABLE_BATCH } from './kafkajs.ts'
import { javaBatch, javaKinds, javaRecords } from './testing/java-batches.ts'

interface Message {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer
  readonly headers: Readonly<Record<string, Buffer>>
}

const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => unknown

/** What kafkajs makes of the records of one partition in a response. */
async function messagesIn(...batches: readonly Buffer[]): Promise<readonly Message[]> {
  const bytes = Buffer.concat(batches)
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  const decode = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as (d: unknown) => Promise<Message[]>
  return decode(new Decoder(Buffer.concat([size, bytes])))
}

const at = (batch: Buffer, offset: number): Buffer => {
  batch.writeBigInt64BE(BigInt(offset), 0)
  return batch
}

test.each(javaKinds)('kafkajs reads a batch of Java, compression %s', async (kind) => {
  const messages = await messagesIn(javaBatch(kind))
  const read = messages.map(({ offset, timestamp, key, value, headers }) => ({
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: String(key),
    value: String(value),
    h: headers.h?.[0],
  }))
  expect(read).toEqual(javaRecords)
})

test('a batch that cannot be read is one record with the reason, and the others are read', async () => {
  const broken = at(javaBatch('lz4'), 19)
  broken.fill(0xff, 61)
  const messages = await messagesIn(javaBatch('gzip'), broken, at(javaBatch('zstd'), 31))
  expect(messages.map(({ offset }) => Number(offset))).toEqual([
    ...javaRecords.map(({ offset }) => offset),
    30,
    ...javaRecords.map(({ offset }) => offset + 24),
  ])
  const { key, value, headers } = messages[12]!
  expect([key, value]).toEqual([null, broken])
  expect(String(headers[UNREADABLE_BATCH])).toMatch(/^the batch of offsets 19 to 30 can't be read: .*lz4/)
})

test('a batch that is cut off at the end of a response is left for the next one', async () => {
  const whole = javaBatch('snappy')
  const messages = await messagesIn(whole, at(javaBatch('snappy'), 19).subarray(0, 200))
  expect(messages).toHaveLength(12)
})
