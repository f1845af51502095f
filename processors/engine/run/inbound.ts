import { setTimeout as delay } from 'node:timers/promises'
import type { Fetched, FetchLimits, Position } from '../kafka/fetcher.ts'
import type { FetchedRecord } from '../kafka/records.ts'

const LIMITS: FetchLimits = { maxBytes: 8_000_000, maxPartitionBytes: 128_000, maxWaitMs: 500 }
/** A partition with fewer records here than this is fetched on. */
const FEW = 250

/** A record, and where it is from. */
export interface Taken {
  readonly topic: string
  readonly partition: number
  readonly record: FetchedRecord
}

/** Reads partitions on; waits for a first record for as long as the limits say. */
export type Fetch = (positions: readonly Position[], limits: FetchLimits) => Promise<readonly Fetched[]>

interface Partition {
  readonly topic: string
  readonly partition: number
  /** Its records don't wait for their time to come. */
  readonly urgent: boolean
  /** Fetched and not taken yet, in the order of their offsets. */
  chunks: Fetched[]
  /** The next record of the first chunk. */
  next: number
  /** How many records of all chunks aren't taken yet. */
  waiting: number
  /** Where it is fetched on: ahead of what was taken. */
  fetchAt: number
  /** Where it was taken up to: what a commit commits. */
  taken: number
  /** The log is known to reach to here: committed, and in all. */
  stableEnd: number
  end: number
}

/**
 * The records that a worker still has to take in, in the order of their timestamps across all partitions. What
 * belongs together was written at about the same time: worked off together, a backlog of many topics gives a row
 * once, and not again for each topic that comes later. So a partition that is known to hold more is waited for,
 * and one that has nothing holds nobody up (as KIP-695 has it for Kafka Streams).
 *
 * One fetch covers all partitions and waits at the broker for the first record; the next one is sent before the
 * records of the last are worked off.
 */
export class Inbound {
  readonly #fetchRecords: Fetch
  readonly #partitions: ReadonlyMap<string, Partition>
  #waiting = 0
  #fetching: Promise<readonly Fetched[]> | undefined
  #arrived = false
  #turn = 0

  /** @param urgent the topic whose records are taken as soon as they are here: what workers tell one another */
  constructor(fetch: Fetch, positions: readonly Position[], urgent: string) {
    this.#fetchRecords = fetch
    this.#partitions = new Map(
      positions.map(({ topic, partition, offset }) => [
        `${topic}/${partition}`,
        {
          topic,
          partition,
          urgent: topic === urgent,
          chunks: [],
          next: 0,
          waiting: 0,
          fetchAt: offset,
          taken: offset,
          stableEnd: Number.POSITIVE_INFINITY,
          end: 0,
        },
      ]),
    )
  }

  /** Where a partition was taken up to. */
  takenUpTo(topic: string, partition: number): number {
    return this.#partitions.get(`${topic}/${partition}`)?.taken ?? 0
  }

  /** Records known to be in the log that weren't taken yet, here or not. */
  get behind(): number {
    let behind = 0
    for (const { stableEnd, taken } of this.#partitions.values()) {
      if (stableEnd < Number.POSITIVE_INFINITY) behind += Math.max(0, stableEnd - taken)
    }
    return behind
  }

  /** The same by topic, with what isn't committed yet. */
  lag(): Map<string, number> {
    const lags = new Map<string, number>()
    for (const { topic, end, taken } of this.#partitions.values()) {
      lags.set(topic, (lags.get(topic) ?? 0) + Math.max(0, end - taken))
    }
    return lags
  }

  /** Waits until there is a record, or until `maxWaitMs` have passed at the broker. */
  async wait(): Promise<void> {
    if (this.#waiting > 0) return
    this.#fetch()
    await this.#enqueue()
    this.#fetch()
  }

  /** The next records, `most` at most, without waiting for new ones. Their positions count as taken. */
  async *take(most: number): AsyncGenerator<Taken> {
    for (let n = 0; n < most; ) {
      if (this.#arrived || this.#missing()) {
        await this.#enqueue()
        this.#fetch()
        continue
      }
      const turn = this.#earliest()
      if (!turn) return
      const { partition: from, until } = turn
      for (let record = head(from); record && n < most && record.timestamp <= until; record = head(from)) {
        this.#advance(from, record)
        n++
        yield { topic: from.topic, partition: from.partition, record }
      }
      this.#fetch()
    }
  }

  /** Whether a partition with nothing here is known to hold more: its next record may be the earliest. */
  #missing(): boolean {
    for (const partition of this.#partitions.values()) {
      if (partition.waiting === 0 && holdsMore(partition)) return true
    }
    return false
  }

  /** The partition whose turn it is, and the timestamp up to which it stays its turn. */
  #earliest(): { partition: Partition; until: number } | undefined {
    let partition: Partition | undefined
    let least = Number.POSITIVE_INFINITY
    let until = Number.POSITIVE_INFINITY
    for (const candidate of this.#partitions.values()) {
      const record = head(candidate)
      if (!record) continue
      const at = candidate.urgent ? Number.NEGATIVE_INFINITY : record.timestamp
      if (!partition || at < least) {
        until = least
        least = at
        partition = candidate
      } else if (at < until) until = at
    }
    return partition && { partition, until: partition.urgent ? Number.POSITIVE_INFINITY : until }
  }

  #advance(partition: Partition, record: FetchedRecord): void {
    const chunk = partition.chunks[0]!
    partition.next++
    partition.waiting--
    this.#waiting--
    partition.taken = record.offset + 1
    if (partition.next < chunk.records.length) return
    partition.taken = chunk.nextOffset
    partition.chunks.shift()
    partition.next = 0
  }

  /**
   * Sends the next fetch: for what is known to be there, and when nothing is, for whatever comes. That one may wait at
   * the broker, so it isn't sent before every partition can be a part of it.
   */
  #fetch(): void {
    if (this.#fetching) return
    const all = [...this.#partitions.values()]
    const few = all.filter(({ waiting }) => waiting < FEW)
    if (few.length < all.length && !few.some(holdsMore)) return
    // The broker fills a response from the front: every partition comes to the front in turn, and first who has least.
    const turn = this.#turn++ % few.length
    const positions = [...few.slice(turn), ...few.slice(0, turn)]
      .sort((a, b) => a.waiting - b.waiting)
      .map(({ topic, partition, fetchAt: offset }) => ({ topic, partition, offset }))
    this.#arrived = false
    this.#fetching = this.#fetchRecords(positions, LIMITS)
    const arrived = () => {
      this.#arrived = true
    }
    // Whoever waits for the fetch gets the error.
    this.#fetching.then(arrived, arrived)
  }

  async #enqueue(): Promise<void> {
    const fetching = this.#fetching
    if (!fetching) return
    const all = await fetching
    this.#fetching = undefined
    this.#arrived = false
    for (const fetched of all) {
      const partition = this.#partitions.get(`${fetched.topic}/${fetched.partition}`)!
      partition.stableEnd = fetched.stableOffset
      partition.end = fetched.highWatermark
      partition.fetchAt = fetched.nextOffset
      if (fetched.records.length > 0) {
        partition.chunks.push(fetched)
        partition.waiting += fetched.records.length
        this.#waiting += fetched.records.length
      } else if (partition.waiting === 0) partition.taken = fetched.nextOffset // markers only
    }
    if (all.length === 0) await delay(1)
  }
}

function head({ chunks, next }: Partition): FetchedRecord | undefined {
  return chunks[0]?.records[next]
}

function holdsMore({ fetchAt, stableEnd }: Partition): boolean {
  return fetchAt < stableEnd
}
