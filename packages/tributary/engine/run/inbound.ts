import { setTimeout as delay } from 'node:timers/promises'
import type { Fetched, FetchLimits, Position } from '../kafka/fetcher.ts'
import type { FetchedRecord } from '../kafka/records.ts'

const LIMITS = { maxBytes: 8_000_000, maxPartitionBytes: 128_000 }
/** How long the broker waits for a first record when nothing is known to be there, in ms. */
const MAX_WAIT_MS = 500
/** A partition that holds more is fetched on when less than this is here of it, in bytes, */
const FEW = 64_000
/** and with it all of which less than this is here: so much, and a fetch, is what a partition takes of the memory. */
const PLENTY = 256_000

/** When nothing can be fetched because all partitions are held: how long it is waited until one may not be, in ms. */
const HELD_MS = 20

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
  /** What all chunks hold that isn't taken yet. */
  waiting: number
  bytes: number
  /** Where it is fetched on: ahead of what was taken. */
  fetchAt: number
  /** Where it was taken up to: what a commit commits. */
  taken: number
  /** The log is known to reach to here: without transactions that are still open, and in all. */
  stableEnd: number
  end: number
  /** Whoever reads it was told that the log reaches to here. */
  expected: number
  /** Its next record can't be worked on yet. */
  held: boolean
}

/**
 * The records that a worker still has to take in, in the order of their timestamps across all partitions. What
 * belongs together was written at about the same time: worked off together, a backlog of many topics gives a row
 * once, and not again for each topic that comes later. So a partition that is known to hold more is waited for,
 * and one that has nothing holds nobody up (as KIP-695 has it for Kafka Streams).
 *
 * While nothing is known to be there, one fetch covers all partitions and waits at the broker for the first record. In a
 * backlog the next one is sent before the records of the last are worked off.
 */
export class Inbound {
  readonly #fetchRecords: Fetch
  readonly #partitions: ReadonlyMap<string, Partition>
  #waiting = 0
  #held = 0
  #waitedMs = 0
  #fetching: Promise<readonly Fetched[]> | undefined
  #arrived = false
  #turns = 0

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
          bytes: 0,
          fetchAt: offset,
          taken: offset,
          stableEnd: Number.POSITIVE_INFINITY,
          end: 0,
          expected: 0,
          held: false,
        },
      ]),
    )
  }

  /** Where a partition was taken up to. */
  takenUpTo(topic: string, partition: number): number {
    return this.#partitions.get(`${topic}/${partition}`)?.taken ?? 0
  }

  /** A partition of which the log is known to reach to `end`: `take` waits for it. */
  expect(topic: string, partition: number, end: number): void {
    const told = this.#partitions.get(`${topic}/${partition}`)
    if (told) told.expected = end
  }

  /**
   * While `take` gives a record: it isn't taken, and its partition is left alone until the promise is settled. What else
   * there is goes on.
   */
  hold(topic: string, partition: number, until: Promise<void>): void {
    const held = this.#partitions.get(`${topic}/${partition}`)!
    held.held = true
    this.#held++
    until.then(() => {
      held.held = false
      this.#held--
    })
  }

  /** How far the log is known to go on behind what was taken, in offsets: records, and markers among them. */
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

  /** How long it was waited for fetches so far, in ms. */
  get waitedMs(): number {
    return this.#waitedMs
  }

  /** Waits for an answer of the broker, half a second at most, unless there are records already. */
  async wait(): Promise<void> {
    if (this.#waiting > this.#waitingInHeld()) {
      // Also of partitions that aren't known to have anything: urgent records may have come.
      this.#fetch({ evenUnasked: true })
      return
    }
    this.#fetch()
    if (!this.#fetching) await delay(HELD_MS)
    await this.#enqueue()
    this.#fetch()
  }

  #waitingInHeld(): number {
    if (this.#held === 0) return 0
    let waiting = 0
    for (const partition of this.#partitions.values()) if (partition.held) waiting += partition.waiting
    return waiting
  }

  /** The next records, `most` at most, without waiting for new ones. Their positions count as taken, but for held ones. */
  async *take(most: number): AsyncGenerator<Taken> {
    for (let n = 0; n < most; ) {
      if (this.#arrived || this.#missing()) {
        await this.#enqueue()
        this.#fetch()
        continue
      }
      const earliest = this.#earliest()
      if (!earliest) return
      const { partition: from, until } = earliest
      for (let record = head(from); record && n < most && record.timestamp <= until; record = head(from)) {
        yield { topic: from.topic, partition: from.partition, record }
        if (from.held) break
        this.#advance(from, record)
        n++
        if (from.bytes < FEW) this.#fetch()
      }
    }
  }

  /** Whether a partition with nothing here is known to hold more: its next record may be the earliest. */
  #missing(): boolean {
    for (const partition of this.#partitions.values()) {
      if (partition.waiting === 0 && !partition.held && holdsMore(partition)) return true
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
      if (!record || candidate.held) continue
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
    partition.bytes -= sizeOf(record)
    this.#waiting--
    partition.taken = record.offset + 1
    if (partition.next < chunk.records.length) return
    partition.chunks.shift()
    partition.next = 0
    // Behind the last record also what was fetched since and holds none: markers, and what was aborted.
    partition.taken = partition.waiting > 0 ? chunk.nextOffset : partition.fetchAt
  }

  /**
   * Sends the next fetch: for what is known to be there, and when nothing is, for whatever comes. Only that one waits at
   * the broker, and it leaves no partition out.
   */
  #fetch({ evenUnasked = false } = {}): void {
    if (this.#fetching) return
    const wanted = [...this.#partitions.values()].filter(({ bytes, held }) => bytes < PLENTY && !held)
    const more = wanted.some(holdsMore)
    const mayWait = wanted.length === this.#partitions.size - this.#held && !more
    if (wanted.length === 0) return
    if (!mayWait && !evenUnasked && !wanted.some((one) => one.bytes < FEW && holdsMore(one))) return
    // The broker fills a response from the front, and only there with a batch larger than a partition's share: first
    // who holds more and has least here, and among equals each in turn.
    const turn = this.#turns++ % wanted.length
    const positions = [...wanted.slice(turn), ...wanted.slice(0, turn)]
      .sort((a, b) => Number(holdsMore(b)) - Number(holdsMore(a)) || a.bytes - b.bytes)
      .map(({ topic, partition, fetchAt: offset }) => ({ topic, partition, offset }))
    this.#arrived = false
    this.#fetching = this.#fetchRecords(positions, { ...LIMITS, maxWaitMs: mayWait ? MAX_WAIT_MS : 0 })
    const arrived = () => {
      this.#arrived = true
    }
    // Whoever waits for the fetch gets the error.
    this.#fetching.then(arrived, arrived)
  }

  async #enqueue(): Promise<void> {
    const fetching = this.#fetching
    if (!fetching) return
    const began = performance.now()
    const all = await fetching
    this.#waitedMs += performance.now() - began
    this.#fetching = undefined
    this.#arrived = false
    const moved = all.some(({ offset, nextOffset }) => nextOffset > offset)
    for (const fetched of all) {
      const partition = this.#partitions.get(`${fetched.topic}/${fetched.partition}`)!
      // What the broker doesn't give although it was asked for nothing else isn't there, whatever the log's end says.
      partition.stableEnd = moved ? fetched.stableOffset : fetched.nextOffset
      if (!moved) partition.expected = 0
      partition.end = fetched.highWatermark
      partition.fetchAt = fetched.nextOffset
      if (fetched.records.length > 0) {
        partition.chunks.push(fetched)
        partition.waiting += fetched.records.length
        this.#waiting += fetched.records.length
        for (const record of fetched.records) partition.bytes += sizeOf(record)
      } else if (partition.waiting === 0) partition.taken = fetched.nextOffset
    }
    if (all.length === 0) await delay(1)
  }
}

function head({ chunks, next }: Partition): FetchedRecord | undefined {
  return chunks[0]?.records[next]
}

/** What a record takes of a response, about, in bytes. */
function sizeOf({ key, value }: FetchedRecord): number {
  return 100 + (key?.length ?? 0) + (value?.length ?? 0)
}

function holdsMore({ fetchAt, stableEnd, expected }: Partition): boolean {
  return fetchAt < stableEnd || fetchAt < expected
}
