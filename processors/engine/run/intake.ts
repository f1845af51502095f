import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '#runtime/log.ts'
import type { Codec, Decoded } from '#schemas/codec.ts'
import { BadPayload, UnknownSchemaId } from '#schemas/errors.ts'
import type { FetchedRecord } from '../kafka/records.ts'
import type { Plan, Source } from '../plan/plan.ts'
import type { DeadLetter, DeadLetterReason } from './dead-letters.ts'
import type { TaskSet } from './tasks.ts'

/** How long a schema id that the registry doesn't know isn't asked for again, in ms. */
const UNKNOWN_FOR_MS = 10_000

/** Reads records and hands them to the tasks; what can't be read becomes a dead letter. */
export class Intake {
  readonly #codec: Codec
  readonly #tasks: TaskSet
  readonly #log: Log
  readonly #sources: ReadonlyMap<string, Source>
  /** Short name by full record name, per events topic. */
  readonly #eventNames: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly #unknown = new Map<number, number>()

  constructor(plan: Plan, codec: Codec, tasks: TaskSet, log: Log) {
    this.#codec = codec
    this.#tasks = tasks
    this.#log = log
    this.#sources = new Map(plan.sources.map((source) => [source.topic.name, source]))
    this.#eventNames = new Map(
      plan.sources.flatMap((source) =>
        source.kind === 'events'
          ? [[source.topic.name, new Map(Object.entries(source.topic.events).map(([name, c]) => [c.name, name]))]]
          : [],
      ),
    )
  }

  /** Takes in a record of a source topic. Gives a dead letter when it can't be worked on. */
  take(
    topic: string,
    partition: number,
    record: FetchedRecord,
  ): Promise<DeadLetter | undefined> | DeadLetter | undefined {
    const dead = (reason: DeadLetterReason, message: string): DeadLetter => ({
      reason,
      message,
      topic,
      partition,
      offset: record.offset,
      timestamp: record.timestamp,
      key: record.key && Buffer.from(record.key),
      value: record.value && Buffer.from(record.value),
      headers: record.headers(),
    })
    if (record.unreadable !== undefined) return dead('unreadable', record.unreadable)
    if (record.key === null) return dead('no-key', 'a record of this topic needs a key')
    if (record.value === null) return this.#give(topic, partition, record.key, null, dead)
    let decoded: Decoded
    try {
      decoded = this.#codec.decode(record.value)
    } catch (error) {
      if (error instanceof UnknownSchemaId) return this.#learn(error.id, topic, partition, record, dead)
      if (error instanceof BadPayload) return dead('unreadable', error.message)
      throw error
    }
    return this.#give(topic, partition, record.key, decoded, dead)
  }

  #give(
    topic: string,
    partition: number,
    keyBytes: Buffer,
    decoded: Decoded | null,
    dead: (reason: DeadLetterReason, message: string) => DeadLetter,
  ): DeadLetter | undefined {
    const source = this.#sources.get(topic)
    if (!source) return undefined
    const key = keyBytes.toString()
    if (source.kind === 'rows') {
      if (decoded && decoded.name !== source.topic.row.name) {
        return dead('unexpected-type', `${decoded.name} doesn't belong on "${topic}", ${source.topic.row.name} does`)
      }
      for (const reader of source.readers) this.#tasks.take(reader, partition, key, decoded ? decoded.value : null)
      return undefined
    }
    const name = decoded ? this.#eventNames.get(topic)?.get(decoded.name) : ''
    if (name === undefined) return dead('unexpected-type', `${decoded?.name} doesn't belong on "${topic}"`)
    let letter: DeadLetter | undefined
    for (const reader of source.readers) {
      const folded = this.#tasks.fold(reader, partition, key, name, decoded ? decoded.value : null)
      if (folded.ok) continue
      const message = folded.error instanceof Error ? folded.error.message : String(folded.error)
      letter ??= dead('author-error', `"${reader.name}" failed: ${message}`)
    }
    return letter
  }

  /** The registry being away is no fault of the record: it waits until the registry answers. */
  async #learn(
    id: number,
    topic: string,
    partition: number,
    record: FetchedRecord,
    dead: (reason: DeadLetterReason, message: string) => DeadLetter,
  ): Promise<DeadLetter | undefined> {
    const unknown = () => dead('unknown-schema', `the registry has no schema of id ${id}`)
    if ((this.#unknown.get(id) ?? 0) > Date.now()) return unknown()
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#codec.learn(id)
        return this.take(topic, partition, record)
      } catch (error) {
        if (error instanceof UnknownSchemaId) {
          this.#unknown.set(id, Date.now() + UNKNOWN_FOR_MS)
          return unknown()
        }
        this.#log.warn({ err: error, id }, 'the registry does not answer: waiting for it')
        await delay(Math.min(5_000, 100 * 2 ** attempt))
      }
    }
  }
}
