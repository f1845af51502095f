import { isUtf8 } from 'node:buffer'
import { BadPayload, UnknownSchemaId } from '#contracts/errors'
import { letterId, type Reason } from '#runtime/dead-letters/letter'
import type { FetchedRecord } from '../kafka/records.ts'
import type { Plan, Source } from '../plan/plan.ts'
import { reasonOf } from '../state/plain-data.ts'
import { type Aside, type DeadLetter, recordLetter } from './dead-letters.ts'
import { MOST_PARKED_CHARACTERS, type Parked, type ParkedKey, type Parking } from './parking.ts'
import type { Schemas } from './schemas.ts'
import type { TaskSet } from './tasks.ts'

/** How a letter ends that was asked about and whose record wasn't met. */
export const NOT_THERE = ['superseded', 'its record is no longer in the topic'] as const

/** Why a record couldn't be worked off, and which readers of its topic lack it (undefined: all). */
interface Failure {
  readonly letter: DeadLetter
  readonly readers?: readonly string[]
}

/**
 * Hands records to the tasks. What can't be worked on becomes a dead letter and parks its key: later records of the key
 * and topic wait, so that they are folded in order when the letter is replayed or dropped. A row of a rows topic says
 * everything that is to be said of its key, and so does a tombstone: they wait for nothing, and close what they supersede.
 */
export class Intake {
  readonly #schemas: Schemas
  readonly #tasks: TaskSet
  readonly #parking: Parking
  readonly #sources: ReadonlyMap<string, Source>
  /** Short name by full record name, per events topic. */
  readonly #eventNames: ReadonlyMap<string, ReadonlyMap<string, string>>

  /** Whether a record's letter was given up in an earlier life of the state: it is left out when it fails again. */
  readonly #wasDropped: (letter: DeadLetter) => boolean

  constructor(
    plan: Plan,
    schemas: Schemas,
    tasks: TaskSet,
    parking: Parking,
    wasDropped: (letter: DeadLetter) => boolean = () => false,
  ) {
    this.#wasDropped = wasDropped
    this.#schemas = schemas
    this.#tasks = tasks
    this.#parking = parking
    this.#sources = new Map(plan.sources.map((source) => [source.topic.name, source]))
    this.#eventNames = new Map(
      plan.sources.flatMap((source) =>
        source.kind === 'events'
          ? [[source.topic.name, new Map(Object.entries(source.topic.events).map(([name, c]) => [c.name, name]))]]
          : [],
      ),
    )
  }

  /** Whether it is a topic whose records are handed to the tasks. */
  reads(topic: string): boolean {
    return this.#sources.has(topic)
  }

  /** Whether later records of a parked key wait, as events do. */
  waits(topic: string): boolean {
    return this.#sources.get(topic)?.kind === 'events'
  }

  /**
   * Takes in a record of a source topic. Gives a promise when it isn't known yet whether it can be read, because its
   * schema isn't: then it wasn't taken in, and can be once the promise is settled.
   */
  take(topic: string, partition: number, record: FetchedRecord, aside: Aside): Promise<void> | undefined {
    const source = this.#sources.get(topic)
    if (!source) return undefined
    const key = keyOf(record)
    const parked = this.#parking.size > 0 && key !== undefined ? this.#parking.get(partition, topic, key) : undefined
    if (parked && source.kind === 'events' && record.value !== null) return undefined
    const failure = this.#work(source, partition, record, key)
    if (failure instanceof Promise) return failure
    if (parked && key !== undefined) {
      this.#parking.put({ partition, topic, key }, undefined)
      close(aside, partition, topic, parked, ['superseded', 'a later record of its key says everything'])
    }
    if (failure && !this.#wasDropped(failure.letter)) this.#park(partition, topic, record, key, failure, aside)
    return undefined
  }

  /**
   * Takes in a record that was passed over before, if it is one of those that are being replayed. False when it can't be
   * now, because the registry doesn't answer.
   */
  async replay(topic: string, partition: number, record: FetchedRecord, aside: Aside): Promise<boolean> {
    const source = this.#sources.get(topic)!
    const key = keyOf(record)
    const wanted = this.#wanted(partition, topic, record, key)
    if (!wanted) return true
    const { parked } = wanted
    const readers = record.offset === parked.at ? parked.readers : undefined
    let failure = this.#work(source, partition, record, key, readers)
    while (failure instanceof Promise) {
      if (!(await this.#schemas.soon(failure))) return false
      failure = this.#work(source, partition, record, key, readers)
    }
    const place = { partition, topic, key: wanted.key }
    if (failure && !this.#wasDropped(failure.letter)) {
      // The next letter takes the entry over.
      if (wanted.key === key && parked.letter !== record.offset) close(aside, partition, topic, parked, NOT_THERE)
      // What stands for a batch is done with when its records can be told apart, one of which has failed by itself.
      if (wanted.key === key || record.offset === wanted.key) this.#parking.put(place, undefined)
      this.#park(partition, topic, record, key, failure, aside)
      return true
    }
    if (wanted.key !== key) return true
    const { at: _, readers: __, ...rest } = parked
    const now: Parked = { ...rest, at: record.offset + 1 }
    const after: Parked = parked.letter === record.offset ? { ...now, ends: ['replayed', 'worked off'] } : now
    // Behind a row nothing waits.
    const done = source.kind === 'rows'
    if (done) close(aside, partition, topic, after)
    this.#parking.put(place, done ? undefined : after)
    return true
  }

  /** The entry for which a record is being replayed: of its key, or of the batch that it stands in. */
  #wanted(
    partition: number,
    topic: string,
    { offset }: FetchedRecord,
    key: string | undefined,
  ): { readonly key: ParkedKey; readonly parked: Parked } | undefined {
    const parked = key === undefined ? undefined : this.#parking.get(partition, topic, key)
    if (key !== undefined && parked?.replaying && offset >= parked.at) return { key, parked }
    return this.#parking.batchOf(partition, topic, offset)
  }

  #park(
    partition: number,
    topic: string,
    record: FetchedRecord,
    key: string | undefined,
    { letter, readers }: Failure,
    aside: Aside,
  ): void {
    aside.letters.push(letter)
    const { offset, firstOffset = offset } = record
    const parks = key !== undefined && key.length <= MOST_PARKED_CHARACTERS
    const parked = { at: firstOffset, letter: offset, ...(readers && { readers }) }
    this.#parking.put({ partition, topic, key: parks ? key : offset }, parked)
  }

  #work(
    source: Source,
    partition: number,
    record: FetchedRecord,
    key: string | undefined,
    readers?: readonly string[],
  ): Promise<void> | Failure | undefined {
    const topic = source.topic.name
    const failed = (reason: Reason, message: string, readers?: readonly string[]): Failure => ({
      letter: recordLetter(reason, message, topic, partition, record),
      ...(readers && { readers }),
    })
    if (record.unreadable !== undefined) return failed('unreadable', record.unreadable)
    if (record.key === null) return failed('no-key', 'a record of this topic needs a key')
    if (key === undefined) return failed('bad-key', "the key isn't text in UTF-8")
    let name = ''
    let value: unknown = null
    if (record.value !== null) {
      try {
        const decoded = this.#schemas.decode(record.value)
        if (decoded instanceof Promise) return decoded
        name = decoded.name
        value = decoded.value
      } catch (error) {
        if (error instanceof BadPayload) return failed('unreadable', error.message)
        if (!(error instanceof UnknownSchemaId)) throw error
        return failed('unknown-schema', `the registry has no schema of id ${error.id}`)
      }
    }
    if (source.kind === 'rows') {
      if (value !== null && name !== source.topic.row.name) {
        return failed('unexpected-type', `${name} doesn't belong on "${topic}", ${source.topic.row.name} does`)
      }
      for (const reader of source.readers) this.#tasks.take(reader, partition, key, value)
      return undefined
    }
    const event = value === null ? '' : this.#eventNames.get(topic)?.get(name)
    if (event === undefined) return failed('unexpected-type', `${name} doesn't belong on "${topic}"`)
    let message: string | undefined
    const lacking: string[] = []
    for (const reader of source.readers) {
      if (readers && !readers.includes(reader.name)) continue
      const folded = this.#tasks.fold(reader, partition, key, event, value)
      if (folded.ok) continue
      lacking.push(reader.name)
      message ??= `"${reader.name}" failed: ${reasonOf(folded.error)}`
    }
    return message === undefined ? undefined : failed('author-error', message, lacking)
  }
}

/** The record's key as text; undefined where there is none, or none that is text. */
function keyOf({ key }: FetchedRecord): string | undefined {
  return key !== null && isUtf8(key) ? key.toString() : undefined
}

/** Closes the letter of what was parked, unless that is done already: as it is to be closed, or else in this way. */
export function close(
  aside: Aside,
  partition: number,
  topic: string,
  { letter, ends }: Parked,
  otherwise?: Parked['ends'],
): void {
  const [outcome, message] = ends ?? otherwise ?? []
  if (letter === undefined || outcome === undefined || message === undefined) return
  aside.closings.push({ id: letterId(topic, partition, letter, null), outcome, message })
}
