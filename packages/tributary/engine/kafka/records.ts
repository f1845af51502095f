import { crc32c } from '@platformatic/kafka'
import { decompress } from '#runtime/compression'

/** A record on its way to a topic. */
export interface NewRecord {
  readonly topic: string
  readonly partition: number
  readonly key: string | Buffer | null
  readonly value: string | Buffer | null
  readonly headers?: readonly (readonly [string, Buffer])[]
}

/** A record as it was read. `value` and `key` are views of the response: copy what is kept. */
export interface FetchedRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Of a record that stands for a whole batch that can't be read, at its last offset, with its bytes: why. */
  readonly unreadable?: string
  /** Of such a record: the batch's first offset. */
  readonly firstOffset?: number
  /** Reads the headers, which are rarely wanted. */
  headers(): [string, Buffer][]
}

/** A transaction that was aborted: its records from `firstOffset` on don't count. */
export interface Aborted {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

const BATCH_HEADER_BYTES = 61
const TRANSACTIONAL = 1 << 4
const CONTROL = 1 << 5
const COMPRESSION = 0b111
/** The broker sets the time: the batch's greatest, for all of its records. */
const LOG_APPEND_TIME = 1 << 3

/** The broker refuses batches over 1 MiB (`message.max.bytes`). */
const MAX_BATCH_BYTES = 1_000_000
/** The broker's own limit for one record, less what a batch adds. */
const MAX_RECORD_BYTES = 1_040_000

/** Builds a record batch, format 2 (https://kafka.apache.org/documentation/#recordbatch). */
export class BatchBuilder {
  #buffer = Buffer.allocUnsafe(16_384)
  #length = BATCH_HEADER_BYTES
  #count = 0
  readonly #timestamp: number

  constructor(timestamp: number) {
    this.#timestamp = timestamp
  }

  get count(): number {
    return this.#count
  }

  /** Appends a record, or gives false when the batch is full and the record needs another one. */
  append(record: NewRecord): boolean {
    const { key, value, headers = [] } = record
    const keyBytes = key === null ? -1 : typeof key === 'string' ? Buffer.byteLength(key) : key.length
    const valueBytes = value === null ? -1 : typeof value === 'string' ? Buffer.byteLength(value) : value.length
    let headerBytes = 0
    for (const [name, content] of headers) headerBytes += Buffer.byteLength(name) + content.length + 20
    const body =
      1 +
      1 +
      varintBytes(this.#count) +
      varintBytes(keyBytes) +
      Math.max(0, keyBytes) +
      varintBytes(valueBytes) +
      Math.max(0, valueBytes)
    const most = body + headerBytes + 20
    if (this.#count > 0 && this.#length + most > MAX_BATCH_BYTES) return false
    this.#reserve(most)

    if (headers.length === 0) {
      this.#varint(body + 1)
      this.#body(key, keyBytes, value, valueBytes)
      this.#varint(0)
    } else {
      // Headers are rare (dead letters): write the record behind its place, then its length before it.
      const start = this.#length
      this.#body(key, keyBytes, value, valueBytes)
      this.#varint(headers.length)
      for (const [name, content] of headers) {
        this.#bytes(name, Buffer.byteLength(name))
        this.#bytes(content, content.length)
      }
      const written = Buffer.from(this.#buffer.subarray(start, this.#length))
      this.#length = start
      this.#varint(written.length)
      this.#reserve(written.length)
      written.copy(this.#buffer, this.#length)
      this.#length += written.length
    }
    this.#count++
    return true
  }

  /** Whether the records fit the broker's limit; a lone one may not. */
  get fits(): boolean {
    return this.#length <= MAX_RECORD_BYTES
  }

  /** The batch's bytes, ready to be sent by the given producer. */
  finish(producer: { id: bigint; epoch: number; sequence: number }): Buffer {
    const batch = this.#buffer.subarray(0, this.#length)
    batch.writeBigInt64BE(0n, 0)
    batch.writeInt32BE(this.#length - 12, 8)
    batch.writeInt32BE(-1, 12)
    batch.writeInt8(2, 16)
    batch.writeInt16BE(TRANSACTIONAL, 21)
    batch.writeInt32BE(this.#count - 1, 23)
    batch.writeBigInt64BE(BigInt(this.#timestamp), 27)
    batch.writeBigInt64BE(BigInt(this.#timestamp), 35)
    batch.writeBigInt64BE(producer.id, 43)
    batch.writeInt16BE(producer.epoch, 51)
    batch.writeInt32BE(producer.sequence, 53)
    batch.writeInt32BE(this.#count, 57)
    batch.writeUInt32BE(crc32c(batch.subarray(21)) >>> 0, 17)
    return batch
  }

  #body(key: string | Buffer | null, keyBytes: number, value: string | Buffer | null, valueBytes: number): void {
    this.#buffer[this.#length++] = 0
    this.#buffer[this.#length++] = 0
    this.#varint(this.#count)
    this.#bytes(key, keyBytes)
    this.#bytes(value, valueBytes)
  }

  #bytes(content: string | Buffer | null, length: number): void {
    this.#varint(length)
    if (content === null) return
    if (typeof content === 'string') this.#buffer.write(content, this.#length)
    else content.copy(this.#buffer, this.#length)
    this.#length += length
  }

  #varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#buffer[this.#length++] = rest
  }

  #reserve(bytes: number): void {
    const need = this.#length + bytes
    if (need <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(need, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5
}

/** What reading a partition's bytes came to. */
export interface Read {
  readonly records: FetchedRecord[]
  /** Where to read on. */
  readonly nextOffset: number
}

/**
 * Reads the whole batches in a fetch response, from `from` on, leaving out records of aborted transactions and the
 * markers themselves. A batch cut off at the end is left for the next fetch. One that can't be read is a record of its
 * own, which says why.
 */
export function readBatches(bytes: Buffer, from: number, aborted: readonly Aborted[]): Read {
  const records: FetchedRecord[] = []
  const pending = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const aborting = new Set<bigint>()
  let nextOffset = from
  let at = 0
  while (at + 12 <= bytes.length) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    const attributes = bytes.readInt16BE(at + 21)
    const lastOffset = Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23)
    const producerId = bytes.readBigInt64BE(at + 43)
    if (lastOffset >= from) {
      while (pending[0] && pending[0].firstOffset <= BigInt(lastOffset)) aborting.add(pending.shift()!.producerId)
      if (attributes & CONTROL) {
        // A marker ends its producer's transaction: what it sends afterwards counts again.
        aborting.delete(producerId)
      } else if (!(attributes & TRANSACTIONAL && aborting.has(producerId))) {
        readBatch(bytes.subarray(at, end), from, records)
      }
      nextOffset = lastOffset + 1
    }
    at = end
  }
  return { records, nextOffset }
}

function readBatch(batch: Buffer, from: number, into: FetchedRecord[]): void {
  const before = into.length
  try {
    readRecords(batch, from, into)
  } catch (error) {
    into.length = before
    const first = Number(batch.readBigInt64BE(0))
    const offset = first + batch.readInt32BE(23)
    const unreadable = `the batch of offsets ${first} to ${offset} can't be read: ${(error as Error).message}`
    const timestamp = Number(batch.readBigInt64BE(35))
    into.push({ offset, firstOffset: first, timestamp, key: null, value: batch, unreadable, headers: () => [] })
  }
}

function readRecords(batch: Buffer, from: number, into: FetchedRecord[]): void {
  const attributes = batch.readInt16BE(21)
  const baseOffset = Number(batch.readBigInt64BE(0))
  const baseTimestamp = Number(batch.readBigInt64BE(27))
  const appendedAt = attributes & LOG_APPEND_TIME ? Number(batch.readBigInt64BE(35)) : undefined
  const count = batch.readInt32BE(57)
  const kind = attributes & COMPRESSION
  const bytes = kind ? decompress(kind, batch.subarray(BATCH_HEADER_BYTES)) : batch
  const cursor = new Cursor(bytes, kind ? 0 : BATCH_HEADER_BYTES)
  for (let i = 0; i < count; i++) {
    const length = cursor.varint()
    const end = cursor.at + length
    if (length < 0 || end > bytes.length) throw new Error(`record ${i + 1} of ${count} is cut off`)
    cursor.at++
    const timestamp = baseTimestamp + cursor.varlong()
    const offset = baseOffset + cursor.varint()
    const key = cursor.bytes()
    const value = cursor.bytes()
    const headersAt = cursor.at
    if (headersAt > end) throw new Error(`record ${i + 1} of ${count} is longer than it says`)
    if (offset >= from) {
      into.push({
        offset,
        timestamp: appendedAt ?? timestamp,
        key,
        value,
        headers: () => readHeaders(bytes, headersAt),
      })
    }
    cursor.at = end
  }
}

function readHeaders(bytes: Buffer, at: number): [string, Buffer][] {
  const cursor = new Cursor(bytes, at)
  const headers: [string, Buffer][] = []
  const count = cursor.varint()
  for (let i = 0; i < count; i++) {
    const name = cursor.bytes()?.toString() ?? ''
    headers.push([name, Buffer.from(cursor.bytes() ?? Buffer.alloc(0))])
  }
  return headers
}

class Cursor {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  varint(): number {
    let result = 0
    let shift = 0
    for (;;) {
      const byte = this.#bytes[this.at++]!
      result |= (byte & 0x7f) << shift
      if (byte < 0x80) return (result >>> 1) ^ -(result & 1)
      shift += 7
      // Also behind the end, where there are no bytes.
      if (shift > 28) throw new Error('a number is longer than five bytes')
    }
  }

  /** Up to 2^53: enough for the distance of two timestamps. */
  varlong(): number {
    let result = 0
    let scale = 1
    for (;;) {
      const byte = this.#bytes[this.at++]!
      result += (byte & 0x7f) * scale
      if (byte < 0x80) return result % 2 === 0 ? result / 2 : -(result + 1) / 2
      scale *= 128
      if (scale > 2 ** 63) throw new Error('a number is longer than ten bytes')
    }
  }

  bytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const bytes = this.#bytes.subarray(this.at, this.at + length)
    this.at += length
    return bytes
  }
}
