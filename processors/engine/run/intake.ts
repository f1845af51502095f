import { setTimeout as delay } from 'node:timers/promises'
import type { Reason } from '#runtime/dead-letters/letter.ts'
import type { Log } from '#runtime/log.ts'
import type { Codec, Decoded } from '#schemas/codec.ts'
import { BadPayload, UnknownSchemaId } from '#schemas/errors.ts'
import type { FetchedRecord } from '../kafka/records.ts'
import type { Plan, Source } from '../plan/plan.ts'
import { reasonOf } from '../state/plain-data.ts'
import { type DeadLetter, recordLetter } from './dead-letters.ts'
import type { TaskSet } from './tasks.ts'

/** How long a schema id that the registry doesn't know isn't asked for again, in ms. */
const UNKNOWN_FOR_MS = 10_000
/** How long an epoch waits for an answer of the registry, in ms: without one, the record waits and the others go on. */
const PATIENCE_MS = 300
/** How long after a failure the registry is asked again, in ms. */
const ASK_AGAIN_MS = { least: 100, most: 2_000 }

/** Reads records and hands them to the tasks; what can't be read becomes a dead letter. */
export class Intake {
  readonly #codec: Codec
  readonly #tasks: TaskSet
  readonly #log: Log
  readonly #sources: ReadonlyMap<string, Source>
  /** Short name by full record name, per events topic. */
  readonly #eventNames: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly #unknown = new Map<number, number>()
  /** What the registry is being asked for, by schema id. */
  readonly #asked = new Map<number, Promise<void>>()
  #away: string | undefined
  #stopped = false

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

  /** Why records wait that nothing is wrong with: the registry doesn't answer. */
  get away(): string | undefined {
    return this.#away
  }

  /** Asks for nothing any more. */
  stop(): void {
    this.#stopped = true
  }

  /**
   * Takes in a record of a source topic. Gives a dead letter when it can't be worked on, and a promise when that isn't
   * known because its schema isn't: then it wasn't taken in, and can be once the promise is settled.
   */
  take(topic: string, partition: number, record: FetchedRecord): DeadLetter | Promise<void> | undefined {
    const dead = (reason: Reason, message: string) => recordLetter(reason, message, topic, partition, record)
    if (record.unreadable !== undefined) return dead('unreadable', record.unreadable)
    if (record.key === null) return dead('no-key', 'a record of this topic needs a key')
    if (record.value === null) return this.#give(topic, partition, record.key, null, dead)
    let decoded: Decoded
    try {
      decoded = this.#codec.decode(record.value)
    } catch (error) {
      if (error instanceof UnknownSchemaId) {
        if ((this.#unknown.get(error.id) ?? 0) <= Date.now()) return this.#ask(error.id)
        return dead('unknown-schema', `the registry has no schema of id ${error.id}`)
      }
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
    dead: (reason: Reason, message: string) => DeadLetter,
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
      const message = reasonOf(folded.error)
      letter ??= dead('author-error', `"${reader.name}" failed: ${message}`)
    }
    return letter
  }

  /** Whether the answer comes soon enough for the epoch to wait for it. */
  async soon(answer: Promise<void>): Promise<boolean> {
    if (this.#away) return false
    const patience = new AbortController()
    const tooLong = delay(PATIENCE_MS, false, { signal: patience.signal }).catch(() => false)
    const soon = await Promise.race([answer.then(() => true), tooLong])
    patience.abort()
    if (!soon) this.#away ??= `the schema registry hasn't answered within ${PATIENCE_MS} ms`
    return soon
  }

  /** Settled once it is known whether there is such a schema. The registry being away is no fault of the record. */
  #ask(id: number): Promise<void> {
    const asked = this.#asked.get(id)
    if (asked) return asked
    const asking = this.#learn(id).finally(() => this.#asked.delete(id))
    this.#asked.set(id, asking)
    return asking
  }

  async #learn(id: number): Promise<void> {
    for (let attempt = 0; !this.#stopped; attempt++) {
      try {
        await this.#codec.learn(id)
        this.#away = undefined
        return
      } catch (error) {
        if (error instanceof UnknownSchemaId) {
          this.#away = undefined
          this.#unknown.set(id, Date.now() + UNKNOWN_FOR_MS)
          return
        }
        this.#away = (error as Error).message
        this.#log.warn({ err: error, id }, 'the registry does not answer: records of this schema wait for it')
        await delay(Math.min(ASK_AGAIN_MS.most, ASK_AGAIN_MS.least * 2 ** attempt), undefined, { ref: false })
      }
    }
  }
}
