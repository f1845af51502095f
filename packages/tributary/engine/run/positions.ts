import type { Stamp } from '#runtime/stamp'
import { EngineError } from '../errors.ts'
import { resetRemedy } from './remedy.ts'

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
 * And by which ids the topics were known: an input that was deleted and made again has other records at the same places,
 * and an output lacks the rows that were written to it. The id of an output whose rows are being written again is empty.
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

  /**
   * Of these topics those that were deleted and made again since they were known to a partition's state, or to its stamp.
   * @param stamps by partition
   * @param ids of the topics as they are
   */
  madeAnew(
    topics: readonly string[],
    stamps: ReadonlyMap<number, Stamp>,
    ids: ReadonlyMap<string, string>,
  ): readonly string[] {
    return topics.filter((topic) =>
      [...stamps].some(([partition, stamp]) => {
        const known = [this.#topics.get(partition)?.[topic], stamp.topics.get(topic)]
        return known.some((id) => id !== undefined && id !== ids.get(topic))
      }),
    )
  }

  /**
   * Throws `TOPIC_REPLACED` when state was made of another input topic of the same name.
   * @param inputs by name, with the read model whose processor writes it where one does
   * @param command see `resetRemedy`
   */
  check(
    inputs: ReadonlyMap<string, string | undefined>,
    stamps: ReadonlyMap<number, Stamp>,
    ids: ReadonlyMap<string, string>,
    { app, command }: { readonly app: string; readonly command: string },
  ): void {
    const [topic] = this.madeAnew([...inputs.keys()], stamps, ids)
    if (topic === undefined) return
    throw new EngineError(
      'TOPIC_REPLACED',
      `topic "${topic}" was deleted and made again since "${app}" read it: its state is of records that are no more. ` +
        resetRemedy(app, command, inputs.get(topic)),
    )
  }

  /**
   * The changelog records for partitions whose state an epoch changes.
   * @param topics the inputs
   * @param ids of inputs and outputs
   */
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
      if (known && [...ids].every(([topic, id]) => known[topic] === id)) continue
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
