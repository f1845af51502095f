import { setTimeout as after } from 'node:timers/promises'
import type { Admin, Consumer, Kafka, TopicPartitionOffsetAndMetadata } from 'kafkajs'
import type { Log } from '#runtime/log'
import type { Generation } from './generations.ts'

/** Where a topic's partitions begin and end: offsets by partition. */
export interface Extent {
  readonly low: bigint
  readonly high: bigint
}

/** The first offset and the high watermark of each partition. */
export async function extentOf(admin: Admin, topic: string): Promise<Map<number, Extent>> {
  const offsets = await admin.fetchTopicOffsets(topic)
  return new Map(offsets.map((o) => [o.partition, { low: BigInt(o.low), high: BigInt(o.high) }]))
}

/** A committed position: everything before it is searchable in that index, or accounted for. */
export interface Position {
  readonly offset: bigint
  /** Of which index this was said; undefined when the position was set by hand, or by a version that didn't say. */
  readonly of?: IndexNote
}

/** An index as positions remember it. */
interface IndexNote {
  readonly index: string
  readonly notes: number
}

/** What is committed beside a position (the metadata of an offset commit). */
export function noteOf({ id, notes }: Pick<Generation, 'id' | 'notes'>): string {
  return JSON.stringify({ index: id, notes } satisfies IndexNote)
}

/** The group's committed positions on a topic; partitions without one are left out. */
export async function committedOn(admin: Admin, groupId: string, topic: string): Promise<Map<number, Position>> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const committed = found?.partitions.filter((p) => BigInt(p.offset) >= 0n) ?? []
  return new Map(
    committed.map(({ partition, offset, metadata }) => {
      const of = readNote(metadata)
      return [partition, { offset: BigInt(offset), ...(of && { of }) }]
    }),
  )
}

function readNote(metadata: string | null): IndexNote | undefined {
  try {
    const { index, notes } = JSON.parse(metadata ?? '')
    return typeof index === 'string' && typeof notes === 'number' ? { index, notes } : undefined
  } catch {
    return undefined
  }
}

/**
 * Why the positions say nothing of this index, or undefined when they are its own: it was put back from a snapshot or
 * another copy, made again under the same name, or the topic ends before them.
 */
export function strangeTo(
  { id, notes, index }: Pick<Generation, 'id' | 'notes' | 'index'>,
  positions: ReadonlyMap<number, Position>,
  extent: ReadonlyMap<number, Extent>,
): string | undefined {
  for (const [partition, { offset, of }] of positions) {
    if (of && of.index !== id) return `index "${index}" is another one than the sink wrote to`
    if (of && of.notes > notes) return `index "${index}" was put back from an earlier time`
    const { low, high } = extent.get(partition) ?? { low: offset, high: offset }
    if (offset > high) return `its topic ends at ${high} in partition ${partition}, and was read up to ${offset}`
    if (of && offset < low) return `its topic begins at ${low} in partition ${partition}, and was read up to ${offset}`
  }
  return undefined
}

/** Whether the group's committed positions on a topic are at or past the ends of an extent noted before. */
export async function hasReached(
  admin: Admin,
  groupId: string,
  topic: string,
  extent: ReadonlyMap<number, Extent>,
): Promise<boolean> {
  const committed = await committedOn(admin, groupId, topic)
  return [...extent].every(
    ([partition, { low, high }]) => high === low || (committed.get(partition)?.offset ?? -1n) >= high,
  )
}

/** Commits the positions of all lanes, as a member of one group. */
export interface Committer {
  /**
   * Resolves when they are committed; later positions of a partition take the place of earlier ones that wait. It waits
   * until the group is joined, also for a killed predecessor's membership to end.
   * @throws Error when they couldn't be committed
   */
  commit(topic: string, positions: ReadonlyMap<number, bigint>, note: string): Promise<void>
  /** Why nothing can be committed now, or undefined. */
  waiting(): string | undefined
  close(): Promise<void>
}

/** Positions are committed no more often than this, in ms. */
const COMMIT_MS = 250
const JOIN_AGAIN_MS = 500

/**
 * Joins the group without reading anything: each lane reads by itself, so that a topic that is missing, or a batch that
 * can't be read, is that lane's trouble alone, while all positions stand in one place and go there in one request.
 */
export function openCommitter(kafka: Kafka, groupId: string, log: Log): Committer {
  const stopped = new AbortController()
  const { signal } = stopped
  let joined: Promise<Consumer> | undefined
  let trouble: string | undefined = `joining the consumer group "${groupId}"`
  const waiting = new Map<string, TopicPartitionOffsetAndMetadata>()
  let round: PromiseWithResolvers<void> | undefined
  let wake = Promise.withResolvers<void>()

  async function join(): Promise<Consumer> {
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: 10_000,
      heartbeatInterval: 2_000,
      rebalanceTimeout: 15_000,
      maxWaitTimeInMs: 500,
      allowAutoTopicCreation: false,
    })
    try {
      consumer.on(consumer.events.GROUP_JOIN, () => {
        trouble = undefined
      })
      consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
        trouble = `group "${groupId}": ${error.message}`
        log.warn({ err: error, restart }, 'the membership that commits positions failed')
        if (!restart) joined = undefined
      })
      await consumer.connect()
      await consumer.run({ autoCommit: false, eachBatch: async () => {} })
      return consumer
    } catch (error) {
      joined = undefined
      trouble = `group "${groupId}": ${(error as Error).message}`
      await consumer.disconnect().catch(() => {})
      await after(JOIN_AGAIN_MS)
      throw error
    }
  }

  async function commitWaiting(): Promise<void> {
    const { promise: _, resolve, reject } = round!
    round = undefined
    const positions = [...waiting.values()]
    waiting.clear()
    try {
      joined ??= join()
      await (await joined).commitOffsets(positions)
      resolve()
    } catch (error) {
      reject(error)
    }
  }

  async function keepCommitting(): Promise<void> {
    for (;;) {
      await wake.promise
      wake = Promise.withResolvers()
      if (round) await commitWaiting()
      if (signal.aborted) return
      await after(COMMIT_MS, undefined, { signal }).catch(() => {})
    }
  }

  joined = join()
  joined.catch(() => {})
  const committing = keepCommitting()
  return {
    commit(topic, positions, metadata) {
      for (const [partition, offset] of positions)
        waiting.set(`${topic}/${partition}`, { topic, partition, offset: String(offset), metadata })
      round ??= Promise.withResolvers()
      wake.resolve()
      return round.promise
    },
    waiting: () => trouble,
    async close() {
      stopped.abort()
      wake.resolve()
      await committing
      const consumer = await joined?.catch(() => undefined)
      await consumer?.disconnect()
    },
  }
}
