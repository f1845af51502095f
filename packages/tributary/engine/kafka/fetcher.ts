import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { EngineError } from '../errors.ts'
import { brokerFault, type Cluster } from './cluster.ts'
import { type Aborted, type FetchedRecord, readBatches } from './records.ts'

/** Where to read a partition on. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** What came of a partition. */
export interface Fetched extends Position {
  readonly records: readonly FetchedRecord[]
  /** Where to read on: behind the records, and behind markers and aborted records. */
  readonly nextOffset: number
  /** End of what is committed: reading from before it brings something. */
  readonly stableOffset: number
  /** End of the log: what is still to come, though maybe not committed yet. */
  readonly highWatermark: number
}

/** Bytes that one fetch brings at most, and of one partition. */
export interface FetchLimits {
  readonly maxBytes: number
  readonly maxPartitionBytes: number
  /** How long the broker waits for a first byte, in ms. */
  readonly maxWaitMs: number
}

const READ_COMMITTED = 1
const OFFSET_OUT_OF_RANGE = 1

interface PartitionResponse {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly stableOffset: number
  readonly aborted: readonly Aborted[]
  readonly records: Buffer
}

/** Fetch, version 12: topics by name, and a parser that keeps records as views of the response. */
const fetchApi = createAPI<[limits: FetchLimits, positions: readonly Position[]], readonly PartitionResponse[]>(
  1,
  12,
  (limits: FetchLimits, positions: readonly Position[]) =>
    Writer.create()
      .appendInt32(-1)
      .appendInt32(limits.maxWaitMs)
      .appendInt32(1)
      .appendInt32(limits.maxBytes)
      .appendInt8(READ_COMMITTED)
      .appendInt32(0)
      .appendInt32(-1)
      .appendArray([...Map.groupBy(positions, ({ topic }) => topic)], (w, [topic, ofTopic]) => {
        w.appendString(topic).appendArray(ofTopic, (w, { partition, offset }) => {
          w.appendInt32(partition)
            .appendInt32(-1)
            .appendInt64(BigInt(offset))
            .appendInt32(-1)
            .appendInt64(-1n)
            .appendInt32(limits.maxPartitionBytes)
        })
      })
      .appendArray([], () => {})
      .appendString('')
      .appendTaggedFields(),
  (_correlation: number, _key: number, _version: number, reader: Reader) => parse(reader),
)

function parse(reader: Reader): readonly PartitionResponse[] {
  reader.readInt32()
  const errorCode = reader.readInt16()
  if (errorCode !== 0) throw brokerFault(errorCode)
  reader.readInt32()
  const responses: PartitionResponse[] = []
  reader.readArray((r) => {
    const topic = r.readString()
    r.readArray((r) => {
      const partition = r.readInt32()
      const errorCode = r.readInt16()
      const highWatermark = Number(r.readInt64())
      const stableOffset = Number(r.readInt64())
      r.readInt64()
      const aborted =
        r.readNullableArray((r) => ({ producerId: r.readInt64(), firstOffset: r.readInt64() })) ?? ([] as Aborted[])
      r.readInt32()
      const length = r.readUnsignedVarInt() - 1
      const records = length > 0 ? r.buffer.slice(r.position, r.position + length) : Buffer.alloc(0)
      if (length > 0) r.skip(length)
      responses.push({ topic, partition, errorCode, highWatermark, stableOffset, aborted, records })
    })
  })
  return responses
}

/** Reads partitions, committed records only, one request per broker for all of them. */
export async function fetchRecords(
  cluster: Cluster,
  positions: readonly Position[],
  limits: FetchLimits,
): Promise<Fetched[]> {
  const byLeader = Map.groupBy(positions, ({ topic, partition }) => cluster.leaderOf(topic, partition))
  const offsets = new Map(positions.map((position) => [`${position.topic}/${position.partition}`, position.offset]))
  const responses = await Promise.all(
    [...byLeader].map(async ([leader, ofLeader]) => fetchApi.async(await cluster.node(leader), limits, ofLeader)),
  )
  return responses.flat().map(({ topic, partition, errorCode, highWatermark, stableOffset, aborted, records }) => {
    if (errorCode === OFFSET_OUT_OF_RANGE) throw lost(topic, partition, offsets.get(`${topic}/${partition}`) ?? 0)
    if (errorCode !== 0) throw brokerFault(errorCode)
    const offset = offsets.get(`${topic}/${partition}`) ?? 0
    return { topic, partition, offset, highWatermark, stableOffset, ...readBatches(records, offset, aborted) }
  })
}

/** Nothing is skipped in silence: what a reader hasn't read and can't read any more is for a person to know. */
function lost(topic: string, partition: number, offset: number): EngineError {
  return new EngineError(
    'POSITION_LOST',
    `partition ${partition} of "${topic}" is read up to offset ${offset}, and doesn't have it (any more): ` +
      'the topic was made anew, or its records were deleted before they were read',
  )
}
