import { setTimeout as delay } from 'node:timers/promises'
import type { Codec, Decoded } from '#contracts/codec'
import { UnknownSchemaId } from '#contracts/errors'
import type { Log } from '#runtime/log'

/** How long a schema id that the registry doesn't know isn't asked for again, in ms. */
const UNKNOWN_FOR_MS = 10_000
/** How long an epoch waits for an answer of the registry, in ms: without one, the record waits and the others go on. */
const PATIENCE_MS = 300
/** How long after a failure the registry is asked again, in ms. */
const ASK_AGAIN_MS = { least: 100, most: 2_000 }

/** Decodes records, and learns their schemas from the registry, which may be away: that is no fault of a record. */
export class Schemas {
  readonly #codec: Codec
  readonly #log: Log
  readonly #unknown = new Map<number, number>()
  /** What the registry is being asked for, by schema id. */
  readonly #asked = new Map<number, Promise<void>>()
  #away: string | undefined
  #stopped = false

  constructor(codec: Codec, log: Log) {
    this.#codec = codec
    this.#log = log
  }

  /** Why records wait that nothing is wrong with: the registry doesn't answer. */
  get away(): string | undefined {
    return this.#away
  }

  /**
   * The value of the bytes; a promise while it isn't known whether there is a schema for them, settled once it is.
   * Throws `UnknownSchemaId` and `BadPayload`.
   */
  decode(bytes: Buffer): Decoded | Promise<void> {
    try {
      return this.#codec.decode(bytes)
    } catch (error) {
      if (!(error instanceof UnknownSchemaId) || (this.#unknown.get(error.id) ?? 0) > Date.now()) throw error
      return this.#ask(error.id)
    }
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

  /** Asks again for schemas that weren't there: somebody says that something has changed. */
  forget(): void {
    this.#unknown.clear()
  }

  /** Asks for nothing any more. */
  stop(): void {
    this.#stopped = true
  }

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
