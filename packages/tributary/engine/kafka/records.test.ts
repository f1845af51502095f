import { type CreateRecordsBatchOptions, createRecordsBatch, Reader, readRecordsBatch } from '@platformatic/kafka'
import { describe, expect, test } from 'vitest'
import { javaBatch, javaKinds, javaRecords } from '#runtime/testing/java-batches'
import { BatchBuilder, type NewRecord, readBatches } from './records.ts'

const record = (key: string | null, value: string | null, headers: [string, Buffer][] = []): NewRecord => ({
  topic: 't',
  partition: 0,
  key,
  value,
  headers,
})
const producer = { id: 7n, epoch: 2, sequence: 40 }

function batch(records: readonly NewRecord[], baseOffset = 0, id = producer.id): Buffer {
  const builder = new BatchBuilder(1_000)
  for (const each of records) builder.append(each)
  const bytes = Buffer.from(builder.finish({ ...producer, id }))
  bytes.writeBigInt64BE(BigInt(baseOffset), 0)
  return bytes
}

/** A marker that ends a producer's transaction. */
function marker(baseOffset: number, id: bigint): Buffer {
  const bytes = batch([record('\u0000', '')], baseOffset, id)
  bytes.writeInt16BE(bytes.readInt16BE(21) | (1 << 5), 21)
  return bytes
}

describe('a record batch', () => {
  test("is read by the client library's own reader as it was written", () => {
    const records = [
      record('a', 'eins'),
      record(null, 'é'),
      record('c', null),
      record('d', 'x', [['h', Buffer.from('1')]]),
    ]
    const read = readRecordsBatch(Reader.from(batch(records)))
    expect(read).toMatchObject({ producerId: 7n, producerEpoch: 2, firstSequence: 40, magic: 2 })
    const content = read.records.map(({ key, value, headers }) => [
      key && String(key),
      value && String(value),
      headers.length,
    ])
    expect(content).toEqual([
      ['a', 'eins', 0],
      [null, 'é', 0],
      ['c', null, 0],
      ['d', 'x', 1],
    ])
  })

  test('carries the checksum that the client library works out for the same bytes', () => {
    const message = { topic: 't', partition: 0, key: Buffer.from('a'), value: Buffer.from('b'), timestamp: 1_000n }
    const options = { transactionalId: 'x', producerId: 7n, producerEpoch: 2 } as Partial<CreateRecordsBatchOptions>
    const theirs = readRecordsBatch(Reader.from(createRecordsBatch([message], options)))
    const ours = new BatchBuilder(1_000)
    ours.append(record('a', 'b'))
    const read = readRecordsBatch(Reader.from(Buffer.from(ours.finish({ id: 7n, epoch: 2, sequence: 0 }))))
    expect(read.crc).toBe(theirs.crc)
  })

  test('is full before it is over the limit of the broker', () => {
    const builder = new BatchBuilder(0)
    const big = record('k', 'x'.repeat(300_000))
    expect([builder.append(big), builder.append(big), builder.append(big), builder.append(big)]).toEqual([
      true,
      true,
      true,
      false,
    ])
    expect(builder.finish(producer).length).toBeLessThan(1_048_576)
  })
})

describe('reading', () => {
  test('goes on from an offset inside a batch and stops before a batch that is cut off', () => {
    const bytes = Buffer.concat([batch([record('a', '1'), record('b', '2')]), batch([record('c', '3')], 2)])
    const { records, nextOffset } = readBatches(bytes.subarray(0, bytes.length - 1), 1, [])
    expect(records.map(({ key }) => String(key))).toEqual(['b'])
    expect(nextOffset).toBe(2)
  })

  test('leaves out what was aborted, and nothing that its producer sends afterwards', () => {
    const bytes = Buffer.concat([
      batch([record('aborted', '1')], 0, 1n),
      batch([record('other', '2')], 1, 2n),
      marker(2, 1n),
      batch([record('again', '3')], 3, 1n),
      marker(4, 1n),
    ])
    const { records, nextOffset } = readBatches(bytes, 0, [{ producerId: 1n, firstOffset: 0n }])
    expect(records.map(({ key }) => String(key))).toEqual(['other', 'again'])
    expect(nextOffset).toBe(5)
  })

  test.each(javaKinds)('is the same for a batch of Java, compression %s', (kind) => {
    const { records, nextOffset } = readBatches(javaBatch(kind), 0, [])
    const read = records.map(({ offset, timestamp, key, value, headers }) => {
      const [header] = headers()
      return { offset, timestamp, key: String(key), value: String(value), h: header?.[1][0] }
    })
    expect(read).toEqual(javaRecords)
    expect(nextOffset).toBe(19)
  })

  test("takes the broker's time where the topic says so", () => {
    const { records } = readBatches(javaBatch('logAppendTime'), 0, [])
    expect(records.map(({ timestamp }) => timestamp)).toEqual([5_000, 5_000])
  })

  test('makes one record of a batch that cannot be read, and goes on behind it', () => {
    const broken = javaBatch('gzip')
    broken.fill(0xff, 61)
    const nonsense = batch([record('a', '1'), record('b', '2')], 19)
    nonsense.fill(0xff, 61)
    const { records, nextOffset } = readBatches(Buffer.concat([broken, nonsense, batch([record('c', '3')], 21)]), 9, [])
    expect(records.map(({ offset, key, unreadable }) => [offset, key && String(key), unreadable])).toEqual([
      [18, null, expect.stringMatching(/^the batch of offsets 7 to 18 can't be read: .*gzip/)],
      [20, null, expect.stringMatching(/^the batch of offsets 19 to 20 can't be read/)],
      [21, 'c', undefined],
    ])
    expect(records[0]?.value).toEqual(broken)
    expect(nextOffset).toBe(22)
  })
})
