import { type Client, errors } from '@elastic/elasticsearch'
import type { Pace } from '#read-models/read-model'
import type { Log } from '#runtime/log'
import { type ItemAnswer, judge, reasonOf, type Verdict } from './answers.ts'
import { backOff, backOffMs } from './back-off.ts'
import { Gate, type Places } from './gate.ts'
import type { SinkMetrics } from './metrics.ts'

/** Up to this many documents at a time is light traffic. */
export const LIGHT = 500
/**
 * The longest rest after a light bulk, in ms: one that took long because the server was away says nothing of its cost, and
 * on a busy machine readers wait for the rest as well.
 */
const LONGEST_REST_MS = 500
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

/** What was written went into another index: the alias was moved. */
export class AliasMoved extends Error {
  override readonly name = 'AliasMoved'
}

/** Where a writer writes, and with what. */
export interface WriterOptions {
  readonly client: Client
  readonly index: string
  /** An alias of exactly the index: a missing index is then an answer, and never made in passing. */
  readonly alias: string
  /** In light traffic. */
  readonly pace: Pace
  readonly places: Places
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
 * what isn't taken for a reason that is not the document's is sent again, for as long as it takes. Where nothing of a
 * bulk is taken, all wait and one bulk tries; where the others are, only those that weren't.
 */
export class Writer {
  readonly #options: WriterOptions
  readonly #gate: Gate
  #queue: Write[] = []
  #scheduled = false
  #underWay = 0
  #timer: NodeJS.Timeout | undefined
  #notBefore = 0
  /** How often in a row nothing was taken. */
  #vain = 0
  /** Documents that wait while others are taken. */
  #apart = 0

  constructor(options: WriterOptions) {
    this.#options = options
    this.#gate = new Gate(options.places, () => this.#schedule())
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
    const { signal, onFailed } = this.#options
    while (this.#queue.length > 0 && !signal.aborted) {
      const light = this.#queue.length <= LIGHT
      if (this.#tooEarly(light)) return
      if (light && this.#underWay > 0) return
      const leave = this.#gate.enter()
      if (!leave) return
      this.#underWay++
      const began = performance.now()
      this.#send(this.#take(), light)
        .catch(onFailed)
        .finally(() => {
          this.#underWay--
          if (light) this.#rest(began)
          leave()
          this.#schedule()
        })
    }
  }

  /** Holds the next light bulk back as the pace says, after one that began then and ends now. */
  #rest(began: number): void {
    const { leastMs, share } = this.#options.pace
    const now = performance.now()
    const rest = Math.min(LONGEST_REST_MS, (now - began) * (1 / share - 1))
    this.#notBefore = Math.max(began + leastMs, now + rest, this.#vain > 0 ? this.#notBefore : 0)
  }

  /** Whether it is to wait, for the pace or because nothing is taken; then it goes on by itself. */
  #tooEarly(light: boolean): boolean {
    if (!light && this.#vain === 0) return false
    const early = this.#notBefore - performance.now()
    if (early <= 0) return false
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#schedule()
    }, early).unref()
    return true
  }

  #take(): Write[] {
    const most = this.#gate.bulkSize
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && count < most && bytes < BULK_BYTES) bytes += this.#queue[count++]!.body.length
    return this.#queue.splice(0, count)
  }

  /**
   * Sends a bulk, answers what was taken or is at fault itself, and sees to it that the rest is sent again.
   * @param attempt from the second on the documents are those that others were taken without
   */
  async #send(writes: readonly Write[], refresh: boolean, attempt = 1): Promise<void> {
    const { metrics, log, alias, troubled } = this.#options
    const results = await this.#sendOnce(writes, refresh)
    const others =
      results.some(({ verdict }) => verdict === 'applied' || verdict === 'superseded') ||
      (attempt > 1 && this.#vain === 0)
    const again: Result[] = []
    for (const result of results) {
      const { write, reason } = result
      // Refused where others are taken: then it is the document's fault after all.
      const verdict = result.verdict === 'unclear' && others ? 'refused' : result.verdict
      if (verdict === 'applied' || verdict === 'superseded' || verdict === 'refused')
        write.answered({ verdict, reason: verdict === 'refused' ? reason : '', searchable: refresh })
      else again.push(result)
    }
    const settled = results.length - again.length
    if (attempt > 1) this.#apart -= settled
    else if (settled > 0) {
      this.#vain = 0
      this.#gate.tookSome()
    }
    if (again.some(({ verdict }) => verdict === 'busy')) this.#gate.wasTooMuch()
    if (again.length === 0) {
      if (attempt === 1) this.#gate.wentWell()
      if (this.#apart === 0 && this.#vain === 0) troubled('elasticsearch', undefined)
      return
    }
    const why = again.find(({ verdict }) => verdict !== 'busy') ?? again[0]!
    log.warn({ alias, reason: why.reason, documents: again.length }, `documents have to wait: ${why.verdict}`)
    troubled('elasticsearch', why.reason)
    metrics.retried(again.length)
    const left = again.map(({ write }) => write)
    if (settled > 0 || attempt > 1) this.#sendApart(left, attempt)
    else this.#standBack(left)
  }

  /** Nothing was taken: all documents wait until one bulk gets through. */
  #standBack(writes: readonly Write[]): void {
    this.#vain++
    this.#gate.tookNothing()
    this.#queue = [...writes, ...this.#queue]
    this.#notBefore = performance.now() + backOffMs(this.#vain)
  }

  /** Others were taken: these try by themselves, and hold up nothing. */
  #sendApart(writes: readonly Write[], attempt: number): void {
    const { signal, onFailed } = this.#options
    if (attempt === 1) this.#apart += writes.length
    backOff(attempt, signal)
      .then(() => this.#send(writes, writes.length <= LIGHT, attempt + 1))
      .catch((error) => {
        if (!signal.aborted) onFailed(error)
      })
  }

  /** One request, or several where the server says that one is too large or malformed. */
  async #sendOnce(writes: readonly Write[], refresh: boolean): Promise<Result[]> {
    const { client, index, alias, metrics, signal } = this.#options
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
          filter_path: ['errors', 'items.*.status', 'items.*.error', 'items.*.result', 'items.*._index'],
        },
        { signal },
      )
      items = answer.items as unknown as readonly Readonly<Record<string, ItemAnswer>>[]
    } catch (error) {
      return this.#unanswered(writes, refresh, error)
    }
    metrics.bulk((performance.now() - began) / 1000, writes.length)
    if (items?.length !== writes.length)
      return waiting(writes, 'busy', `${writes.length} documents were sent, ${items?.length ?? 'none'} answered`)
    return writes.map((write, at) => {
      const answer = items[at]!.index!
      const verdict = judge(answer)
      if (verdict === 'index-missing') throw new IndexMissing(`index behind "${alias}" is gone: ${reasonOf(answer)}`)
      if (answer._index !== undefined && answer._index !== index && !answer.error)
        throw new AliasMoved(`alias "${alias}" leads to index "${answer._index}" instead of "${index}"`)
      return { write, verdict, reason: reasonOf(answer) }
    })
  }

  /** A request that failed as a whole: too large, malformed by one of its documents, or not answered at all. */
  async #unanswered(writes: readonly Write[], refresh: boolean, error: unknown): Promise<Result[]> {
    const { alias, metrics, signal } = this.#options
    signal.throwIfAborted()
    const status = error instanceof errors.ResponseError ? (error.statusCode ?? 0) : 0
    const why = `${status > 0 ? `${status}: ` : ''}${(error as Error).message}`
    if (status === 400 || status === 413) {
      if (writes.length === 1) return waiting(writes, 'unclear', why)
      const half = Math.ceil(writes.length / 2)
      const first = await this.#sendOnce(writes.slice(0, half), refresh)
      return [...first, ...(await this.#sendOnce(writes.slice(half), refresh))]
    }
    if (status === 404 && why.includes('index_not_found_exception'))
      throw new IndexMissing(`index behind "${alias}" is gone: ${why}`)
    metrics.failed('elasticsearch')
    return waiting(writes, status >= 400 && status < 500 && status !== 429 ? 'blocked' : 'busy', why)
  }
}

/** What an answer says of one document. */
interface Result {
  readonly write: Write
  readonly verdict: Verdict
  readonly reason: string
}

function waiting(writes: readonly Write[], verdict: Verdict, reason: string): Result[] {
  return writes.map((write) => ({ write, verdict, reason }))
}
