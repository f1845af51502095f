import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster } from '../kafka/cluster.ts'
import { type Fetched, type FetchLimits, fetchRecords, type Position } from '../kafka/fetcher.ts'
import type { FetchedRecord } from '../kafka/records.ts'

const LIMITS: FetchLimits = { maxBytes: 6_000_000, maxPartitionBytes: 512_000, maxWaitMs: 500 }

interface Queued {
  readonly fetched: Fetched
  next: number
}

/**
 * The records that a worker still has to take in. One fetch covers all partitions and waits at the broker for the
 * first record; the next one is sent before the records of the last are worked off.
 */
export class Inbound {
  readonly #cluster: Cluster
  /** Where each partition is fetched on: ahead of what was taken. */
  readonly #fetchAt = new Map<string, Position>()
  /** Where each partition was taken up to: what a commit commits. */
  readonly #taken = new Map<string, number>()
  readonly #ends = new Map<string, number>()
  #queue: Queued[] = []
  #queued = 0
  #fetching: Promise<Fetched[]> | undefined
  #arrived = false
  #turn = 0

  constructor(cluster: Cluster, positions: readonly Position[]) {
    this.#cluster = cluster
    for (const position of positions) {
      const key = `${position.topic}/${position.partition}`
      this.#fetchAt.set(key, position)
      this.#taken.set(key, position.offset)
    }
  }

  /** Where a partition was taken up to. */
  takenUpTo(topic: string, partition: number): number {
    return this.#taken.get(`${topic}/${partition}`) ?? 0
  }

  /** Records that are here and not taken yet. */
  get waiting(): number {
    return this.#queued
  }

  /** Records fetched or known to be in the log, by topic, that weren't taken yet. */
  lag(): Map<string, number> {
    const lags = new Map<string, number>()
    for (const [key, { topic }] of this.#fetchAt) {
      const behind = Math.max(0, (this.#ends.get(key) ?? 0) - (this.#taken.get(key) ?? 0))
      lags.set(topic, (lags.get(topic) ?? 0) + behind)
    }
    return lags
  }

  /** Waits until there is a record, or until `maxWaitMs` have passed at the broker. */
  async wait(): Promise<void> {
    if (this.#queued > 0) return
    this.#fetch()
    await this.#enqueue()
    this.#fetch()
  }

  /** The next records, `most` at most, without waiting. Their positions count as taken. */
  async *take(most: number): AsyncGenerator<{ topic: string; partition: number; record: FetchedRecord }> {
    for (let n = 0; n < most; ) {
      const first = this.#queue[0]
      if (!first) {
        if (!this.#arrived) return
        await this.#enqueue()
        this.#fetch()
        continue
      }
      const { topic, partition, records, nextOffset } = first.fetched
      const key = `${topic}/${partition}`
      while (n < most && first.next < records.length) {
        const record = records[first.next++]!
        this.#queued--
        n++
        this.#taken.set(key, record.offset + 1)
        yield { topic, partition, record }
      }
      if (first.next < records.length) return
      this.#taken.set(key, nextOffset)
      this.#queue.shift()
    }
  }

  #fetch(): void {
    if (this.#fetching) return
    // The broker fills a response from the front: every partition comes to the front in turn.
    const positions = [...this.#fetchAt.values()]
    const turn = this.#turn++ % positions.length
    const rotated = [...positions.slice(turn), ...positions.slice(0, turn)]
    this.#arrived = false
    this.#fetching = fetchRecords(this.#cluster, rotated, LIMITS)
    this.#fetching.then(
      () => {
        this.#arrived = true
      },
      // Whoever waits for the fetch gets the error.
      () => {
        this.#arrived = true
      },
    )
  }

  async #enqueue(): Promise<void> {
    const fetching = this.#fetching
    if (!fetching) return
    const all = await fetching
    this.#fetching = undefined
    this.#arrived = false
    for (const fetched of all) {
      const key = `${fetched.topic}/${fetched.partition}`
      this.#ends.set(key, fetched.highWatermark)
      this.#fetchAt.set(key, { topic: fetched.topic, partition: fetched.partition, offset: fetched.nextOffset })
      if (fetched.records.length === 0) {
        // Markers only. Behind what is queued, if anything is.
        if (
          !this.#queue.some(
            ({ fetched: queued }) => queued.topic === fetched.topic && queued.partition === fetched.partition,
          )
        ) {
          this.#taken.set(key, fetched.nextOffset)
        }
        continue
      }
      this.#queue.push({ fetched, next: 0 })
      this.#queued += fetched.records.length
    }
    if (all.length === 0) await delay(1)
  }
}
