import { EngineError } from '../errors.ts'

const POSITIONS = '!positions'
const TOPICS = '!topics'

/** A changelog record. */
interface Change {
  readonly partition: number
  readonly key: string
  readonly value: string
}

/**
 * The input positions that a partition's state stands at, kept beside the state. A group's own offsets are lost when it
 * was empty for a week (`offsets.retention.minutes`) or when somebody deletes them; read from the beginning again, events
 * would count twice. They are written whenever the partition's state changes, in the same transaction; what was taken in
 * since the last of them changed nothing, and would change nothing again.
 *
 * And by which ids the input topics were known: one that was deleted and made again has other records at the same places.
 */
export class Positions {
  readonly #positions = new Map<number, Readonly<Record<string, number>>>()
  readonly #topics = new Map<number, Readonly<Record<string, string>>>()

  /** Takes over a changelog record; false when it is of something else. */
  load(partition: number, key: string, value: string | null): boolean {
    if (key !== POSITIONS && key !== TOPICS) return false
    if (value === null) return true
    if (key === POSITIONS) this.#positions.set(partition, JSON.parse(value) as Record<string, number>)
    else this.#topics.set(partition, JSON.parse(value) as Record<string, string>)
    return true
  }

  /** Where state restored for a partition says that a topic was taken in up to; undefined: it doesn't say. */
  of(partition: number, topic: string): number | undefined {
    return this.#positions.get(partition)?.[topic]
  }

  /** Whether state restored for a partition says where it stands. */
  knows(partition: number): boolean {
    return this.#positions.has(partition)
  }

  /** Throws `TOPIC_REPLACED` when state of a partition was made of another topic of the same name. */
  check(partitions: readonly number[], ids: ReadonlyMap<string, string>, app: string): void {
    for (const partition of partitions) {
      for (const [topic, id] of Object.entries(this.#topics.get(partition) ?? {})) {
        const now = ids.get(topic)
        if (now === undefined || now === id) continue
        throw new EngineError(
          'TOPIC_REPLACED',
          `topic "${topic}" was deleted and made again since "${app}" read it: its state is of records that are no more. ` +
            `Stop it, delete the group "${app}" and the topics "${app}-state-changelog" and ` +
            `"${app}-exchange-repartition", and start it: it reads everything again`,
        )
      }
    }
  }

  /** The changelog records for partitions whose state an epoch changes. */
  changes(
    partitions: ReadonlySet<number>,
    topics: readonly string[],
    takenUpTo: (topic: string, partition: number) => number,
    ids: ReadonlyMap<string, string>,
  ): Change[] {
    const changes: Change[] = []
    for (const partition of partitions) {
      const positions: Record<string, number> = {}
      for (const topic of topics) positions[topic] = takenUpTo(topic, partition)
      changes.push({ partition, key: POSITIONS, value: JSON.stringify(positions) })
      const known = this.#topics.get(partition)
      if (topics.every((topic) => known?.[topic] === ids.get(topic))) continue
      changes.push({ partition, key: TOPICS, value: JSON.stringify(Object.fromEntries(ids)) })
    }
    return changes
  }

  /** What an epoch wrote is committed. */
  commit(changes: readonly Change[]): void {
    for (const { partition, key, value } of changes) this.load(partition, key, value)
  }

  /** Gives a partition up. */
  remove(partition: number): void {
    this.#positions.delete(partition)
    this.#topics.delete(partition)
  }
}
