import { setTimeout as delay } from 'node:timers/promises'
import {
  addOffsetsToTxnV3,
  addPartitionsToTxnV3,
  apiVersionsV4,
  createAPI,
  endTxnV4,
  initProducerIdV4,
  produceV11,
  type Reader,
  ResponseError,
  txnOffsetCommitV4,
  Writer,
} from '@platformatic/kafka'
import { EngineError } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { faultOf } from './faults.ts'
import type { Membership } from './group.ts'
import { BatchBuilder, type NewRecord } from './records.ts'

/** An input position that a transaction commits: the next offset to read. */
export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Kept with the offset. */
  readonly metadata: string
}

interface Batch {
  readonly topic: string
  readonly partition: number
  readonly builder: BatchBuilder
}

const TRANSACTION_TIMEOUT_MS = 60_000
const PRODUCE_TIMEOUT_MS = 30_000

interface EncodedBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

/** Produce with batches that are bytes already. Versions 11 and 12 have the same form. */
const produceOf = (version: number) =>
  createAPI<[transactionalId: string, batches: readonly EncodedBatch[]], ReturnType<typeof produceV11.parseResponse>>(
    0,
    version,
    (transactionalId: string, batches: readonly EncodedBatch[]) =>
      Writer.create()
        .appendString(transactionalId)
        .appendInt16(-1)
        .appendInt32(PRODUCE_TIMEOUT_MS)
        .appendArray([...Map.groupBy(batches, ({ topic }) => topic)], (w, [topic, ofTopic]) => {
          w.appendString(topic).appendArray(ofTopic, (w, { partition, bytes }) => {
            w.appendInt32(partition)
              .appendUnsignedVarInt(bytes.length + 1)
              .append(bytes)
          })
        })
        .appendTaggedFields(),
    produceV11.parseResponse,
  )

/**
 * How transactions are run. Since KIP-890 a broker adds partitions and offsets to the transaction by itself, which
 * spares two round trips, and gives the producer a new epoch with every transaction, which fences stragglers.
 */
interface Protocol {
  readonly addsByItself: boolean
  readonly produce: ReturnType<typeof produceOf>
  readonly commitOffsets: typeof txnOffsetCommitV4.api
  readonly end: (
    ...args: Parameters<typeof endTxnV4.api.async>
  ) => Promise<{ readonly errorCode: number; readonly producerId?: bigint; readonly producerEpoch?: number }>
}

const explicit: Protocol = {
  addsByItself: false,
  produce: produceOf(11),
  commitOffsets: txnOffsetCommitV4.api,
  end: endTxnV4.api.async,
}
const implicit: Protocol = {
  addsByItself: true,
  produce: produceOf(12),
  commitOffsets: createAPI(28, 5, txnOffsetCommitV4.createRequest, txnOffsetCommitV4.parseResponse),
  end: createAPI<
    Parameters<typeof endTxnV4.createRequest>,
    { throttleTimeMs: number; errorCode: number; producerId: bigint; producerEpoch: number }
  >(26, 5, endTxnV4.createRequest, (_: number, apiKey: number, apiVersion: number, reader: Reader) => {
    const response = {
      throttleTimeMs: reader.readInt32(),
      errorCode: reader.readInt16(),
      producerId: reader.readInt64(),
      producerEpoch: reader.readInt16(),
    }
    reader.readTaggedFields()
    if (response.errorCode !== 0) {
      throw new ResponseError(apiKey, apiVersion, { '/': [response.errorCode, null] }, response)
    }
    return response
  }).async,
}

/**
 * One transaction after another under a transactional id that is stable per worker slot. Opening one fences the
 * slot's predecessor at once and ends whatever it left open (KIP-98, KIP-447).
 *
 * After any error the outcome of the running transaction is unknown and the producer is of no further use: open a
 * new one and read back what was committed.
 */
export class TransactionalProducer {
  readonly #cluster: Cluster
  readonly #transactionalId: string
  readonly #protocol: Protocol
  #id: bigint
  #epoch: number
  readonly #sequences = new Map<string, number>()

  private constructor(cluster: Cluster, transactionalId: string, protocol: Protocol, id: bigint, epoch: number) {
    this.#cluster = cluster
    this.#protocol = protocol
    this.#transactionalId = transactionalId
    this.#id = id
    this.#epoch = epoch
  }

  /** Fences the predecessor. Throws when the broker can't be reached. */
  static async open(cluster: Cluster, transactionalId: string): Promise<TransactionalProducer> {
    const { producerId, producerEpoch } = await whileConcurrent(async () => {
      const connection = await cluster.coordinator({ transactionalId })
      return initProducerIdV4.api.async(connection, transactionalId, TRANSACTION_TIMEOUT_MS, -1n, -1)
    })
    return new TransactionalProducer(cluster, transactionalId, await protocolOf(cluster), producerId, producerEpoch)
  }

  /**
   * Writes records and input positions in one transaction. When it throws, the outcome is unknown, but for
   * `RECORD_TOO_LARGE`, before which nothing was sent.
   */
  async commit(
    records: readonly NewRecord[],
    offsets: readonly CommittedOffset[],
    membership: Membership,
  ): Promise<void> {
    const batches = batchesOf(records)
    const coordinator = await this.#cluster.coordinator({ transactionalId: this.#transactionalId })
    if (batches.length > 0 && !this.#protocol.addsByItself) {
      const topics = [...Map.groupBy(batches, ({ topic }) => topic)].map(([name, ofTopic]) => ({
        name,
        partitions: [...new Set(ofTopic.map(({ partition }) => partition))],
      }))
      await whileConcurrent(() =>
        addPartitionsToTxnV3.api.async(coordinator, [
          {
            transactionalId: this.#transactionalId,
            producerId: this.#id,
            producerEpoch: this.#epoch,
            verifyOnly: false,
            topics,
          },
        ]),
      )
    }
    // The records and the offsets go different ways to the end, so they go at the same time.
    await Promise.all([this.#produce(batches), this.#sendOffsets(offsets, membership)])
    const ended = await whileConcurrent(() =>
      this.#protocol.end(coordinator, this.#transactionalId, this.#id, this.#epoch, true),
    )
    if (ended.producerId !== undefined && ended.producerEpoch !== undefined) {
      this.#id = ended.producerId
      this.#epoch = ended.producerEpoch
      this.#sequences.clear()
    }
  }

  async #produce(batches: readonly Batch[]): Promise<void> {
    for (const round of rounds(batches)) {
      const byLeader = Map.groupBy(round, ({ topic, partition }) => this.#cluster.leaderOf(topic, partition))
      await Promise.all(
        [...byLeader].map(async ([leader, ofLeader]) => {
          const connection = await this.#cluster.node(leader)
          let left: EncodedBatch[] = ofLeader.map(({ topic, partition, builder }) => ({
            topic,
            partition,
            bytes: builder.finish({
              id: this.#id,
              epoch: this.#epoch,
              sequence: this.#nextSequence(topic, partition, builder.count),
            }),
          }))
          await whileConcurrent(async () => {
            try {
              await this.#protocol.produce.async(connection, this.#transactionalId, left)
            } catch (error) {
              left = left.filter(({ topic, partition }) => wasRefused(error, topic, partition))
              throw error
            }
          })
        }),
      )
    }
  }

  async #sendOffsets(offsets: readonly CommittedOffset[], membership: Membership): Promise<void> {
    const coordinator = await this.#cluster.coordinator({ transactionalId: this.#transactionalId })
    const { group } = membership
    if (!this.#protocol.addsByItself) {
      await whileConcurrent(() =>
        addOffsetsToTxnV3.api.async(coordinator, this.#transactionalId, this.#id, this.#epoch, group),
      )
    }
    const groupCoordinator = await this.#cluster.coordinator({ group })
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition, offset, metadata }) => ({
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: -1,
        committedMetadata: metadata,
      })),
    }))
    await whileConcurrent(() =>
      this.#protocol.commitOffsets.async(
        groupCoordinator,
        this.#transactionalId,
        group,
        this.#id,
        this.#epoch,
        membership.generation,
        membership.memberId,
        membership.instanceId,
        topics,
      ),
    )
  }

  #nextSequence(topic: string, partition: number, count: number): number {
    const key = `${topic}/${partition}`
    const sequence = this.#sequences.get(key) ?? 0
    this.#sequences.set(key, (sequence + count) % 0x8000_0000)
    return sequence
  }
}

async function protocolOf(cluster: Cluster): Promise<Protocol> {
  const { finalizedFeatures } = await apiVersionsV4.api.async(await cluster.any(), 'tributary', '1')
  const version = (finalizedFeatures ?? []).find(({ name }) => name === 'transaction.version')?.maxVersionLevel ?? 0
  return version >= 2 ? implicit : explicit
}

/** Whether a produce response refused a partition's batch; without a response, all were. */
function wasRefused(error: unknown, topic: string, partition: number): boolean {
  const response = (error as { response?: ReturnType<typeof produceV11.parseResponse> }).response
  if (!response) return true
  const answer = response.responses
    .find(({ name }) => name === topic)
    ?.partitionResponses.find(({ index }) => index === partition)
  return answer === undefined || answer.errorCode !== 0
}

/** Records by partition, in batches within the broker's limit, in order. */
function batchesOf(records: readonly NewRecord[]): Batch[] {
  const timestamp = Date.now()
  const batches: Batch[] = []
  const open = new Map<string, Map<number, BatchBuilder>>()
  for (const record of records) {
    const { topic, partition } = record
    let ofTopic = open.get(topic)
    if (!ofTopic) {
      ofTopic = new Map()
      open.set(topic, ofTopic)
    }
    let builder = ofTopic.get(partition)
    if (!builder?.append(record)) {
      builder = new BatchBuilder(timestamp)
      builder.append(record)
      if (!builder.fits) {
        const size = record.value === null ? 0 : Buffer.byteLength(record.value)
        throw new EngineError(
          'RECORD_TOO_LARGE',
          `a record of ${size} bytes for "${topic}", key ${JSON.stringify(String(record.key).slice(0, 100))}, is over ` +
            "the broker's limit of 1 MiB: make the row smaller (a collect that grew?)",
        )
      }
      ofTopic.set(partition, builder)
      batches.push({ topic, partition, builder })
    }
  }
  return batches
}

/** A produce request takes one batch per partition. */
function rounds(batches: readonly Batch[]): Batch[][] {
  const all: Batch[][] = []
  const nth = new Map<string, number>()
  for (const batch of batches) {
    const key = `${batch.topic}/${batch.partition}`
    const n = nth.get(key) ?? 0
    nth.set(key, n + 1)
    const round = all[n]
    if (round) round.push(batch)
    else all[n] = [batch]
  }
  return all
}

/** The coordinator refuses while it still finishes the transaction before: that takes milliseconds. */
async function whileConcurrent<T>(send: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await send()
    } catch (error) {
      const fault = faultOf(error)
      const waits =
        fault === 'CONCURRENT_TRANSACTIONS' ||
        fault === 'COORDINATOR_LOAD_IN_PROGRESS' ||
        fault === 'UNSTABLE_OFFSET_COMMIT'
      if (!waits || attempt > 2_000) throw error
      await delay(attempt < 20 ? 1 : 10)
    }
  }
}
