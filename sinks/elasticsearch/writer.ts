import { type Client, errors } from '@elastic/elasticsearch'
import type { Log } from '#runtime/log.ts'
import type { Pace } from '#sinks/read-models/index.ts'
import { type ItemAnswer, judge, reasonOf } from './answers.ts'
import { backOff } from './back-off.ts'
import type { Gate } from './gate.ts'
import type { SinkMetrics } from './metrics.ts'

/** Up to this many documents at a time is light traffic. */
export const LIGHT = 500
/** The longest rest after a light bulk, in ms: one that took long because the server was away says nothing of its cost. */
const LONGEST_REST_MS = 2_000
/** Bulks are cut at this size, in bytes of documents. */
const BULK_BYTES = 5 * 1024 * 1024

/** A document, or a delete marker, on its way into an index. */
export interface Write {
  readonly id: string
  readonly version: number
  /** The document as JSON text. */
  readonly body: string
  /** Called once, when the server said what became of it. */
  answered(answer: Answer): void
}

/** What became of a write. */
export interface Answer {
  readonly verdict: 'applied' | 'superseded' | 'refused'
  /** Why it was refused. */
  readonly reason: string
  /** Whether searches see it already; if not, it takes a refresh. */
  readonly searchable: boolean
}

/** The index that was written to is gone. */
export class IndexMissing extends Error {
  override readonly name = 'IndexMissing'
}

/** Where a writer writes, and with what. */
export interface WriterOptions {
  readonly client: Client
  /** An alias of exactly the index: a missing index is then an answer, and never made in passing. */
  readonly alias: string
  /** In light traffic. */
  readonly pace: Pace
  readonly gate: Gate
  readonly metrics: SinkMetrics
  readonly log: Log
  readonly signal: AbortSignal
  /** Told when Elasticsearch doesn't take documents, with the reason, and when it does again. */
  troubled(server: 'elasticsearch', why: string | undefined): void
  /** Told once when the writer can't go on. */
  onFailed(error: unknown): void
}

/**
 * Writes documents to one index by `_bulk`. In light traffic one bulk at a time, which also makes what it wrote
 * searchable before it is answered: one request instead of two, and what arrives meanwhile goes out together with the
 * next one. Under load several at once, and the refreshes are somebody else's. Each item is answered for on its own;
 * what the server was too busy for is sent again, for as long as it takes.
 */
export class Writer {
  readonly #options: WriterOptions
  #queue: Write[] = []
  #scheduled = false
  #underWay = 0
  #timer: NodeJS.Timeout | undefined
  #notBefore = 0

  constructor(options: WriterOptions) {
    this.#options = options
    options.gate.onFree(() => this.#schedule())
  }

  /** Queues documents; each is told what became of it. */
  add(writes: readonly Write[]): void {
    for (const write of writes) this.#queue.push(write)
    this.#schedule()
  }

  /** Sends what is queued as places become free. */
  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return
    this.#scheduled = true
    // The partitions of one fetch arrive in the same turn: they make one bulk.
    setImmediate(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    const { gate, signal, onFailed } = this.#options
    while (this.#queue.length > 0 && !signal.aborted) {
      const light = this.#queue.length <= LIGHT
      if (light && (this.#underWay > 0 || this.#tooEarly())) return
      if (!gate.enter()) return
      this.#underWay++
      const began = performance.now()
      this.#send(this.#take(), light)
        .catch(onFailed)
        .finally(() => {
          this.#underWay--
          if (light) this.#rest(began)
          gate.leave()
        })
    }
  }

  /** Holds the next light bulk back as the pace says, after one that began then and ends now. */
  #rest(began: number): void {
    const { leastMs, share } = this.#options.pace
    const now = performance.now()
    const rest = Math.min(LONGEST_REST_MS, (now - began) * (1 / share - 1))
    this.#notBefore = Math.max(began + leastMs, now + rest)
  }

  /** Whether the pace says to wait; then it goes on by itself. */
  #tooEarly(): boolean {
    const early = this.#notBefore - performance.now()
    if (early <= 0) return false
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#schedule()
    }, early).unref()
    return true
  }

  #take(): Write[] {
    const most = this.#options.gate.bulkSize
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && count < most && bytes < BULK_BYTES) bytes += this.#queue[count++]!.body.length
    return this.#queue.splice(0, count)
  }

  async #send(writes: readonly Write[], refresh: boolean): Promise<void> {
    const { gate, metrics, signal, troubled } = this.#options
    let open = writes
    for (let attempt = 1; open.length > 0; attempt++) {
      const again: Write[] = []
      for (let from = 0; from < open.length; ) {
        const part = open.slice(from, from + gate.bulkSize)
        from += part.length
        again.push(...(await this.#sendOnce(part, refresh)))
      }
      open = again
      if (open.length === 0) {
        gate.wentWell()
        troubled('elasticsearch', undefined)
        return
      }
      gate.wasTooMuch()
      metrics.retried(open.length)
      await backOff(attempt, signal)
    }
  }

  /** One request. Gives what has to be sent again. */
  async #sendOnce(writes: readonly Write[], refresh: boolean): Promise<readonly Write[]> {
    const { client, alias, metrics, log, signal, troubled } = this.#options
    const operations: string[] = []
    for (const { id, version, body } of writes) {
      operations.push(JSON.stringify({ index: { _id: id, version, version_type: 'external' } }), body)
    }
    const began = performance.now()
    let items: readonly Readonly<Record<string, ItemAnswer>>[]
    try {
      const answer = await client.bulk(
        {
          index: alias,
          require_alias: true,
          refresh,
          operations,
          filter_path: ['errors', 'items.*.status', 'items.*.error'],
        },
        { signal },
      )
      items = answer.items as unknown as readonly Readonly<Record<string, ItemAnswer>>[]
    } catch (error) {
      return this.#unanswered(writes, refresh, error)
    }
    metrics.bulk((performance.now() - began) / 1000, writes.length)
    const again: Write[] = []
    for (const [at, write] of writes.entries()) {
      const answer = items[at]?.index
      if (!answer) throw new Error(`bulk into "${alias}": ${writes.length} items sent, ${items.length} answered`)
      const verdict = judge(answer)
      if (verdict === 'index-missing') throw new IndexMissing(`index behind "${alias}" is gone: ${reasonOf(answer)}`)
      if (verdict === 'retry' || verdict === 'blocked') {
        if (again.length === 0) {
          log.warn({ alias, reason: reasonOf(answer) }, `documents have to wait: ${verdict}`)
          troubled('elasticsearch', reasonOf(answer))
        }
        again.push(write)
      } else write.answered({ verdict, reason: verdict === 'refused' ? reasonOf(answer) : '', searchable: refresh })
    }
    return again
  }

  /** A request that failed as a whole: too large, malformed by one of its documents, or not answered at all. */
  async #unanswered(writes: readonly Write[], refresh: boolean, error: unknown): Promise<readonly Write[]> {
    const { alias, metrics, log, signal, troubled } = this.#options
    signal.throwIfAborted()
    const status = error instanceof errors.ResponseError ? (error.statusCode ?? 0) : 0
    const tooLargeOrMalformed = status === 400 || status === 413
    if (tooLargeOrMalformed && writes.length > 1) {
      const half = Math.ceil(writes.length / 2)
      return [
        ...(await this.#sendOnce(writes.slice(0, half), refresh)),
        ...(await this.#sendOnce(writes.slice(half), refresh)),
      ]
    }
    if (tooLargeOrMalformed) {
      writes[0]!.answered({ verdict: 'refused', reason: `${status}: ${(error as Error).message}`, searchable: refresh })
      return []
    }
    if (status === 404) throw new IndexMissing(`index behind "${alias}" is gone: ${(error as Error).message}`)
    metrics.failed('elasticsearch')
    troubled('elasticsearch', (error as Error).message)
    log.warn({ alias, err: (error as Error).message, documents: writes.length }, 'a bulk was not answered')
    return writes
  }
}
