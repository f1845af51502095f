import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'
import { decompress } from './compression.ts'

/** The part of kafkajs's queue of requests on one connection that is mended here. */
interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

const BUSY_CONNECTION_MS = 10

/**
 * kafkajs 2.2.4 looks for pending requests over and over, also when there are none and no broker asked it to slow down:
 * the delay it computes is then negative, Node makes that 1 ms, and each connection wakes the process a thousand times
 * a second (measured: 2 % of a core for each idle process). Whatever is pending is looked for when it is queued, when an
 * answer comes, and when a throttle ends; nothing else is needed.
 */
function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId) return
  const throttledMs = this.throttledUntil - Date.now()
  if (this.pending.length === 0 && throttledMs <= 0) return
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    throttledMs > 0 ? throttledMs : BUSY_CONNECTION_MS,
  )
}

const internals = createRequire(import.meta.url)
const queue = internals('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
if (typeof queue.prototype.scheduleCheckPendingRequests !== 'function') {
  throw new Error('kafkajs has changed: see whether runtime/kafkajs.ts still has anything to mend')
}
queue.prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests

interface Broker {
  listOffsets(request: { replicaId?: number; isolationLevel?: number; topics: unknown }): Promise<unknown>
}

const READ_UNCOMMITTED = 0

/**
 * What kafkajs's admin calls the end of a partition (`fetchTopicOffsets`: `high`) is its last stable offset, for it asks
 * as a reader of committed records where nobody says otherwise. Behind a transaction that is still open lie others'
 * records that are committed: whoever asks whether all of a topic was worked off needs the high watermark. Consumers say
 * how they read, and keep it.
 */
const { prototype: broker } = internals('kafkajs/src/broker') as { prototype: Broker }
const { listOffsets } = broker
if (typeof listOffsets !== 'function') {
  throw new Error('kafkajs has changed: see whether its admin tells high watermarks now (runtime/kafkajs.ts)')
}
broker.listOffsets = function (this: Broker, request) {
  return listOffsets.call(this, { ...request, isolationLevel: request.isolationLevel ?? READ_UNCOMMITTED })
}

/** The part of a kafkajs consumer that commits. */
interface Runner {
  readonly running: boolean
  readonly consumerGroup: { readonly groupId: string; commitOffsets(offsets: object): Promise<void> }
  commitOffsets(offsets: object): Promise<void>
}

/**
 * In place of kafkajs's own: there, a commit of a consumer that isn't joined, or that leaves meanwhile, comes to nothing
 * and is said to be done. Here it is an error, and so is one that the broker refuses: who committed tries again.
 */
const { prototype: runner } = internals('kafkajs/src/consumer/runner') as { prototype: Runner }
if (typeof runner.commitOffsets !== 'function') {
  throw new Error('kafkajs has changed: see whether its commits fail loudly now (runtime/kafkajs.ts)')
}
runner.commitOffsets = async function (this: Runner, offsets) {
  const { groupId } = this.consumerGroup
  if (!this.running) throw new Error(`nothing can be committed while group "${groupId}" is not joined`)
  await this.consumerGroup.commitOffsets(offsets)
}

/** A reader of a response's bytes. */
interface Decoder {
  readInt32(): number
  canReadBytes(length: number): boolean
  readBytes(length: number): Buffer
}
type DecodeBatch = (decoder: Decoder) => Promise<{ readonly records: readonly unknown[] }>
type DecodeMessages = (decoder: Decoder) => Promise<unknown[]>

/** Header of the stand-in for a batch that can't be read: why, for a person. */
export const UNREADABLE_BATCH = 'tributary_unreadable_batch'

const BATCH_HEADER_BYTES = 61
const TRANSACTIONAL = 1 << 4

/**
 * In place of kafkajs's own: there, one batch that can't be decompressed or parsed ends the consumer, for ever, and so
 * does one of more than some 100,000 records. Here a batch that can't be read comes to one record: at its last offset,
 * with its bytes as value, no key, and the reason in the header `UNREADABLE_BATCH`.
 */
const decodeMessages: DecodeMessages = async (decoder) => {
  const size = decoder.readInt32()
  if (size <= 0 || !decoder.canReadBytes(size)) return []
  const bytes = decoder.readBytes(size)
  if (bytes.length < BATCH_HEADER_BYTES || bytes[16] !== 2) return decodeOldMessages(new Decoder(bytes), size)
  const messages: unknown[] = []
  for (let at = 0; at + BATCH_HEADER_BYTES <= bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    // The broker cuts off the last batch where the response is full.
    if (end > bytes.length) break
    const batch = bytes.subarray(at, end)
    try {
      for (const record of (await decodeBatch(new Decoder(batch))).records) messages.push(record)
    } catch (error) {
      messages.push(unreadable(batch, (error as Error).message))
    }
    at = end
  }
  return messages
}

function unreadable(batch: Buffer, why: string): unknown {
  const first = batch.readBigInt64BE(0)
  const last = first + BigInt(batch.readInt32BE(23))
  const what = `the batch of offsets ${first} to ${last} can't be read: ${why}`
  return {
    magicByte: 2,
    attributes: 0,
    timestamp: String(batch.readBigInt64BE(35)),
    offset: String(last),
    key: null,
    value: batch,
    headers: { [UNREADABLE_BATCH]: Buffer.from(what) },
    isControlRecord: false,
    batchContext: {
      firstOffset: String(first),
      producerId: String(batch.readBigInt64BE(43)),
      inTransaction: (batch.readInt16BE(21) & TRANSACTIONAL) !== 0,
    },
  }
}

const Decoder = internals('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder
const decodeBatch = internals('kafkajs/src/protocol/recordBatch/v0/decoder') as DecodeBatch
const decodeOldMessages = internals('kafkajs/src/protocol/messageSet/decoder') as (
  decoder: Decoder,
  size: number,
) => Promise<unknown[]>
// kafkajs loads the readers of responses when it fetches for the first time, so this one is there before.
const decodeMessagesPath = internals.resolve('kafkajs/src/protocol/requests/fetch/v4/decodeMessages')
internals(decodeMessagesPath)
internals.cache[decodeMessagesPath]!.exports = decodeMessages

/** kafkajs itself knows gzip only, and without a bound. It is only ever read: what we write isn't compressed. */
const { CompressionCodecs } = kafkajs
for (const kind of [1, 2, 3, 4] as const) {
  CompressionCodecs[kind] = () => ({
    compress: () => Promise.reject(new Error('tributary writes without compression')),
    decompress: async (bytes: Buffer) => decompress(kind, bytes),
  })
}

/** kafkajs, mended. Everything that stays connected takes it from here; `schemas`, which imports no folder, can't. */
export default kafkajs
