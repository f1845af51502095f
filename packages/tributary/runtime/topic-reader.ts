import { createRequire } from 'node:module'
import { setTimeout as after } from 'node:timers/promises'
import type { KafkaMessage } from 'kafkajs'
import { type KafkaAt, kafkaOptions } from './kafka-at.ts'
import kafkajs from './kafkajs.ts'
import { topicIdOf } from './topic-id.ts'

/** What one fetch brought of a partition: committed records, and where to read on. */
export interface TopicBatch {
  readonly topic: string
  readonly partition: number
  /** Committed records only; none where a fetch held nothing but markers or what was aborted. */
  readonly messages: readonly KafkaMessage[]
  /** Behind the last of them, and behind markers and aborted records. */
  readonly nextOffset: bigint
}

export interface TopicReaderOptions {
  readonly brokers: KafkaAt
  readonly clientId: string
  readonly topics: readonly string[]
  /** Where to begin with a partition; undefined, or an offset that isn't there: at its first record. */
  startAt?(topic: string, partition: number): bigint | undefined
  /** Takes what was read; the next fetch waits for it. */
  take(batch: TopicBatch): void | Promise<void>
  /**
   * Told when a partition has to be read from its first record again: the offset to read on from isn't there, or the
   * topic was deleted and made anew.
   */
  begunAgain?(topic: string, partition: number): void
  /** How long the broker waits for `minBytes`, in ms. */
  readonly maxWaitMs: number
  /** What is worth an answer before that. */
  readonly minBytes?: number
}

/** Reads topics without being a member of a group: every reader reads everything, and nothing is committed. */
export interface TopicReader {
  /** Whether everything has been read that was committed when the reader first looked: of a topic, or of all. */
  caughtUp(topic?: string): boolean
  /** The topics that aren't there; the others are read. */
  missing(): readonly string[]
  /** Where to read on in each partition of a topic; empty until the topic was found. */
  positions(topic: string): ReadonlyMap<number, bigint>
  /** Why nothing is read now, or not all topics; undefined when all are. */
  trouble(): string | undefined
  stop(): Promise<void>
}

/** What is used of kafkajs beneath its consumer, which can't read without a group. */
interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[]
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>
  findBroker(node: { nodeId: string }): Promise<{ fetch(request: object): Promise<{ responses: FetchedTopic[] }> }>
  fetchTopicsOffset(topics: readonly object[]): Promise<{ partitions: { partition: number; offset: string }[] }[]>
}
interface FetchedTopic {
  readonly topicName: string
  readonly partitions: readonly FetchedPartition[]
}
interface FetchedPartition {
  readonly partition: number
  readonly lastStableOffset: string
}
interface Batch {
  readonly rawMessages: readonly KafkaMessage[]
  readonly messages: readonly KafkaMessage[]
  lastOffset(): string
}

const internals = createRequire(import.meta.url)
const BatchOf = internals('kafkajs/src/consumer/batch') as new (
  topic: string,
  fetchedOffset: string,
  fetched: FetchedPartition,
) => Batch

const READ_COMMITTED = 1
const AGAIN_MS = 500
/** An offset that no topic has. */
const NOWHERE = -1n
const METADATA_MS = 60_000
const MOST_BYTES = 8 * 1024 * 1024
const MOST_PARTITION_BYTES = 1024 * 1024

/** Begins to read. Survives the absence of brokers and of topics: what isn't there is looked for again. */
export function readTopics(options: TopicReaderOptions): TopicReader {
  const { brokers, clientId, topics, take, maxWaitMs, minBytes = 1 } = options
  const kafka = new kafkajs.Kafka({
    clientId,
    ...kafkaOptions(brokers),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 2 },
  })
  const stopped = new AbortController()
  const { signal } = stopped
  const positions = new Map(topics.map((topic) => [topic, new Map<number, bigint>()]))
  const behind = new Set(topics)
  const missing = new Set<string>()
  const ids = new Map<string, string>()
  let trouble: string | undefined = 'nothing has been read yet'
  /** The end of what was committed at the first look, by topic and partition. */
  const stable = new Map<string, bigint>()

  async function readOn(cluster: Cluster): Promise<void> {
    await cluster.connect()
    await find(cluster, topics)
    trouble = undefined
    let foundAt = performance.now()
    while (!signal.aborted) {
      if (missing.size > 0 && performance.now() - foundAt > AGAIN_MS) {
        await find(cluster, [...missing])
        foundAt = performance.now()
      }
      await cluster.refreshMetadataIfNecessary()
      const byLeader = new Map<string, { topic: string; partitions: object[] }[]>()
      for (const [topic, ofTopic] of positions) {
        if (missing.has(topic)) continue
        for (const [leader, led] of Object.entries(cluster.findLeaderForPartitions(topic, [...ofTopic.keys()]))) {
          const partitions = led.map((partition) => {
            return { partition, fetchOffset: String(ofTopic.get(partition)), maxBytes: MOST_PARTITION_BYTES }
          })
          byLeader.set(leader, [...(byLeader.get(leader) ?? []), { topic, partitions }])
        }
      }
      await Promise.all(
        [...byLeader].map(async ([nodeId, wanted]) => {
          const broker = await cluster.findBroker({ nodeId })
          const { responses } = await broker.fetch({
            maxWaitTime: maxWaitMs,
            minBytes,
            maxBytes: MOST_BYTES,
            isolationLevel: READ_COMMITTED,
            topics: wanted,
          })
          for (const { topicName, partitions } of responses) {
            for (const fetched of partitions) await takeOf(topicName, fetched)
          }
        }),
      )
      if (behind.size > 0) noteCaughtUp()
    }
  }

  /** One that isn't there leaves the others to be read. Throws when none is there. */
  async function find(cluster: Cluster, wanted: readonly string[]): Promise<void> {
    for (const topic of wanted) {
      const id = await topicIdOf(brokers, topic)
      if (id === undefined) {
        missing.add(topic)
        behind.add(topic)
        continue
      }
      await cluster.addTargetTopic(topic)
      if (ids.has(topic) && ids.get(topic) !== id) beginAgain(topic)
      ids.set(topic, id)
      await findPositions(cluster, topic)
      missing.delete(topic)
    }
    if (missing.size === topics.length) throw new Error(isMissing(topics[0]!))
  }

  /** What was read of a topic that was made anew since isn't in it. */
  function beginAgain(topic: string): void {
    behind.add(topic)
    for (const partition of positions.get(topic)!.keys()) {
      stable.delete(`${topic}/${partition}`)
      // No offset to read on from is there: see how positions are found.
      positions.get(topic)!.set(partition, NOWHERE)
    }
  }

  async function findPositions(cluster: Cluster, topic: string): Promise<void> {
    const ofTopic = positions.get(topic)!
    const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId }))
    const offsets = async (fromBeginning: boolean) => {
      const [found] = await cluster.fetchTopicsOffset([{ topic, fromBeginning, partitions }])
      return new Map(found!.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]))
    }
    const first = await offsets(true)
    const end = await offsets(false)
    for (const { partition } of partitions) {
      const [low, high] = [first.get(partition)!, end.get(partition)!]
      if (!stable.has(`${topic}/${partition}`)) stable.set(`${topic}/${partition}`, high)
      const wanted = ofTopic.get(partition) ?? options.startAt?.(topic, partition)
      const there = wanted !== undefined && wanted >= low && wanted <= high
      if (wanted !== undefined && !there) options.begunAgain?.(topic, partition)
      ofTopic.set(partition, there ? wanted : low)
    }
  }

  function noteCaughtUp(): void {
    for (const topic of behind) {
      if (missing.has(topic)) continue
      const ofTopic = positions.get(topic)!
      if (ofTopic.size > 0 && [...ofTopic].every(([p, position]) => position >= stable.get(`${topic}/${p}`)!))
        behind.delete(topic)
    }
  }

  async function takeOf(topic: string, fetched: FetchedPartition): Promise<void> {
    const ofTopic = positions.get(topic)!
    const batch = new BatchOf(topic, String(ofTopic.get(fetched.partition)), fetched)
    if (batch.rawMessages.length === 0 || signal.aborted) return
    const nextOffset = BigInt(batch.lastOffset()) + 1n
    await take({ topic, partition: fetched.partition, messages: batch.messages, nextOffset })
    ofTopic.set(fetched.partition, nextOffset)
  }

  async function keepReading(): Promise<void> {
    while (!signal.aborted) {
      const cluster = clusterOf(kafka)
      const stop = () => void cluster.disconnect().catch(() => {})
      signal.addEventListener('abort', stop, { once: true })
      try {
        await readOn(cluster)
      } catch (error) {
        trouble = (error as Error).message ?? String(error)
      } finally {
        signal.removeEventListener('abort', stop)
        await cluster.disconnect().catch(() => {})
      }
      await after(AGAIN_MS, undefined, { signal }).catch(() => {})
    }
  }
  const reading = keepReading()
  return {
    caughtUp: (topic) => (topic === undefined ? behind.size === 0 : !behind.has(topic)),
    missing: () => [...missing],
    positions: (topic) => new Map(positions.get(topic)),
    trouble() {
      const [first] = missing
      return trouble ?? (first === undefined ? undefined : isMissing(first))
    },
    async stop() {
      stopped.abort()
      await reading
    },
  }
}

const isMissing = (topic: string) => `topic "${topic}" doesn't exist: run \`npx --no tributary topics apply\``

function clusterOf(kafka: object): Cluster {
  const create = Object.getOwnPropertySymbols(kafka).find(({ description }) => description?.endsWith('createCluster'))
  if (!create) throw new Error('kafkajs has changed: see how runtime/topic-reader.ts can read without a group')
  return (kafka as Record<symbol, (options: object) => Cluster>)[create]!({
    metadataMaxAge: METADATA_MS,
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
  })
}
