import type { Outcome } from '#runtime/dead-letters/letter'
import { changelogKey, fromChangelogKey } from '../state/keys.ts'

/** What waits of a key of a topic, or a record without a usable key. */
export interface Parked {
  /** Where it is to be worked off from: the record that failed, or further on in a replay. */
  readonly at: number
  /** Offset of the record whose dead letter is open; undefined where only later records wait. */
  readonly letter?: number
  /**
   * How the letter is to be closed: its record is dealt with. It stays open until everything that waits behind it is
   * folded, or fails by itself: who reads that nothing is open takes the key's row for what it comes to.
   */
  readonly ends?: readonly [outcome: Outcome, message: string]
  /** Which readers of the topic lack the record at `at`: the others have it. Undefined: all. */
  readonly readers?: readonly string[]
  readonly replaying?: true
}

/** The key that is parked; for a record without a usable key its offset, behind which nothing waits. */
export type ParkedKey = string | number

export interface ParkedPlace {
  readonly partition: number
  readonly topic: string
  readonly key: ParkedKey
}

interface Change extends ParkedPlace {
  readonly before: Parked | undefined
}

/** Not a name that an operator may have. */
const STORE = '!parked'
/** A key that is longer parks nothing behind it. */
export const MOST_PARKED_CHARACTERS = 8_192

/**
 * The keys that a dead letter parked, per source topic and partition: later records of such a key aren't worked on until
 * the letter is replayed or dropped. One entry a key, whatever waits behind it: a replay reads the topic again from the
 * entry's place, so nothing here grows with what waits. Part of the tasks' state: kept in the changelog, committed and
 * rolled back with the epoch.
 */
export class Parking {
  readonly #partitions = new Map<number, Map<string, Map<ParkedKey, Parked>>>()
  readonly #changes = new Map<string, Change>()
  #size = 0

  /** How many keys are parked. */
  get size(): number {
    return this.#size
  }

  get(partition: number, topic: string, key: ParkedKey): Parked | undefined {
    return this.#partitions.get(partition)?.get(topic)?.get(key)
  }

  /** Parks a key, or changes what waits of it; undefined lets it go. */
  put(place: ParkedPlace, parked: Parked | undefined): void {
    const { partition, topic, key } = place
    const name = `${partition}/${nameOf(place)}`
    if (!this.#changes.has(name))
      this.#changes.set(name, { partition, topic, key, before: this.get(partition, topic, key) })
    this.#set(place, parked)
  }

  /** The entry whose open letter is of this record. */
  find(partition: number, topic: string, letter: number, key: string | null): ParkedPlace | undefined {
    const ofTopic = this.#partitions.get(partition)?.get(topic)
    if (!ofTopic) return undefined
    for (const known of [key, letter]) {
      if (known !== null && ofTopic.get(known)?.letter === letter) return { partition, topic, key: known }
    }
    // The letter's key was cut, or isn't text.
    for (const [key, parked] of ofTopic) if (parked.letter === letter) return { partition, topic, key }
    return undefined
  }

  /** The entry of a batch that couldn't be read, is being replayed, and holds this offset. */
  batchOf(partition: number, topic: string, offset: number): { key: number; parked: Parked } | undefined {
    for (const [key, parked] of this.#partitions.get(partition)?.get(topic) ?? []) {
      if (typeof key === 'number' && parked.replaying && parked.at <= offset && offset <= key) return { key, parked }
    }
    return undefined
  }

  /** The entries that wait for somebody to deal with their letter. */
  waiting(): (ParkedPlace & { readonly letter: number })[] {
    return [...this.#partitions].flatMap(([partition, topics]) =>
      [...topics].flatMap(([topic, ofTopic]) =>
        [...ofTopic].flatMap(([key, { letter, replaying }]) =>
          letter === undefined || replaying ? [] : [{ partition, topic, key, letter }],
        ),
      ),
    )
  }

  /** The entries that are being replayed, by topic and partition. */
  replaying(): { readonly partition: number; readonly topic: string; readonly parked: Map<ParkedKey, Parked> }[] {
    if (this.#size === 0) return []
    return [...this.#partitions].flatMap(([partition, topics]) =>
      [...topics].flatMap(([topic, ofTopic]) => {
        const parked = new Map([...ofTopic].filter(([, { replaying }]) => replaying))
        return parked.size === 0 ? [] : [{ partition, topic, parked }]
      }),
    )
  }

  /** What the epoch changed, as changelog records. */
  changes(): { partition: number; key: string; value: string | null }[] {
    const records: { partition: number; key: string; value: string | null }[] = []
    for (const { partition, topic, key, before } of this.#changes.values()) {
      const now = this.get(partition, topic, key)
      if (now === undefined && before === undefined) continue
      const name = nameOf({ partition, topic, key })
      records.push({ partition, key: changelogKey(STORE, name), value: now === undefined ? null : JSON.stringify(now) })
    }
    return records
  }

  commit(): void {
    this.#changes.clear()
  }

  rollback(): void {
    for (const { before, ...place } of this.#changes.values()) this.#set(place, before)
    this.#changes.clear()
  }

  /** Takes over a changelog record; false when it isn't of parked keys. */
  load(partition: number, key: string, value: string | null): boolean {
    if (!key.startsWith(STORE)) return false
    const [store, name] = fromChangelogKey(key) ?? []
    if (store !== STORE || name === undefined) return false
    const [topic, parkedKey] = JSON.parse(name) as [string, ParkedKey]
    this.#set({ partition, topic, key: parkedKey }, value === null ? undefined : (JSON.parse(value) as Parked))
    return true
  }

  /** Gives a partition up. */
  remove(partition: number): void {
    for (const ofTopic of this.#partitions.get(partition)?.values() ?? []) this.#size -= ofTopic.size
    this.#partitions.delete(partition)
    for (const [name, change] of this.#changes) if (change.partition === partition) this.#changes.delete(name)
  }

  #set({ partition, topic, key }: ParkedPlace, parked: Parked | undefined): void {
    const topics = this.#partitions.get(partition) ?? new Map<string, Map<ParkedKey, Parked>>()
    const ofTopic = topics.get(topic) ?? new Map<ParkedKey, Parked>()
    this.#size -= ofTopic.size
    if (parked === undefined) ofTopic.delete(key)
    else ofTopic.set(key, parked)
    this.#size += ofTopic.size
    this.#partitions.set(partition, topics.set(topic, ofTopic))
  }
}

/** Within a partition. */
function nameOf({ topic, key }: ParkedPlace): string {
  return JSON.stringify([topic, key])
}
