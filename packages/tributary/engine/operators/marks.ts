import { MOST_KEY_CHARACTERS, pairOf, partsOf } from '../state/keys.ts'
import { checkRow, reasonOf } from '../state/plain-data.ts'
import type { StateStore } from '../state/store.ts'

/** Why a row couldn't be made or written. */
export type FailureReason = 'author-error' | 'invalid-row'
export type Report = (key: string, error: unknown, reason: FailureReason) => void

/** The marks of all of an operator's functions: the pair of a key and the function's part → the mark. */
export class Marked {
  readonly store: StateStore
  readonly report: Report
  #marking = false

  /** `store` is scannable. */
  constructor(store: StateStore, report: Report) {
    this.store = store
    this.report = report
  }

  /** False where nothing is marked nor was in this epoch: by far the usual, and quickly told. */
  get any(): boolean {
    return this.#marking || this.store.size > 0
  }

  put(key: string, mark: Mark): void {
    this.store.put(key, mark)
    this.#marking = true
  }

  /** The keys that were marked before this epoch and are no more, whatever the function. */
  mended(): string[] {
    if (!this.any) return []
    const cleared = this.store.changes().flatMap(([pair, mark]) => (mark === null ? [partsOf(pair)[0]] : []))
    return [...new Set(cleared)].filter((key) => !this.isMarked(key))
  }

  /** The keys that were marked before this epoch. */
  keys(): ReadonlySet<string> {
    return new Set(Array.from(this.store.keys(), (pair) => partsOf(pair)[0]))
  }

  isMarked(key: string): boolean {
    for (const _ of this.store.scan(key)) return true
    return false
  }

  /** Forgets the epoch; its state is committed or rolled back by now. */
  reset(): void {
    this.#marking = false
  }
}

/**
 * For which keys an author's function failed. Operators don't keep the rows they make: what a row was before an epoch
 * they work out again. For a row that failed that must come to nothing, also when the function was mended meanwhile;
 * else something would be taken away that was never added. So a failed key is marked, in state, until it works or its
 * row is gone. `part` keeps the functions of one operator apart.
 */
export class Marks {
  readonly #marked: Marked
  readonly #part: string
  readonly #retried = new Set<string>()

  constructor(marked: Marked, part: string) {
    this.#marked = marked
    this.#part = part
  }

  /** Keys to be worked on again in this epoch though nothing changed. */
  get retried(): ReadonlySet<string> {
    return this.#retried
  }

  /** What `make` gives for a current row. When it throws there is nothing; the key is marked and reported. */
  now<T>(key: string, make: () => T): NonNullable<T> | undefined {
    try {
      const made = make() ?? undefined
      this.clear(key)
      return made
    } catch (error) {
      this.fail(key, error)
      return undefined
    }
  }

  /** What `make` gave for a key before this epoch. */
  before<T>(key: string, make: () => T): NonNullable<T> | undefined {
    if (this.#marked.any && this.#marked.store.before(pairOf(key, this.#part)) !== undefined) return undefined
    return attempt(make)
  }

  /** What `make` gave for a key when it was last worked on. */
  get<T>(key: string, make: () => T): NonNullable<T> | undefined {
    return this.has(key) ? undefined : attempt(make)
  }

  has(key: string): boolean {
    return this.#marked.any && this.#marked.store.get(pairOf(key, this.#part)) !== undefined
  }

  /** What was kept with a key's mark. */
  kept(key: string): unknown {
    return (this.#marked.store.get(pairOf(key, this.#part)) as Mark | undefined)?.[1]
  }

  /** Marks a key and reports it. `kept`: plain data that a retry needs, kept unless it fits no record. */
  fail(key: string, error: unknown, reason: FailureReason = 'author-error', kept?: unknown): void {
    this.#marked.report(key, error, reason)
    // Without its mark too: no operator takes in such a key.
    if (key.length > MOST_MARKED_CHARACTERS) return
    const text = reasonOf(error).slice(0, MOST_REASON_CHARACTERS)
    const mark: Mark = kept === undefined || !fits(kept) ? [text] : [text, kept]
    this.#marked.put(pairOf(key, this.#part), mark)
  }

  /** There is a row again, or none to be made. */
  clear(key: string): void {
    if (this.has(key)) this.#marked.store.delete(pairOf(key, this.#part))
  }

  /** Asks for a key to be worked on again. */
  retry(key: string): void {
    this.#retried.add(key)
  }

  reset(): void {
    this.#retried.clear()
  }
}

type Mark = readonly [reason: string, kept?: unknown]

const MOST_REASON_CHARACTERS = 200
/** Keys of rows made by several `flatMap`s are as long as all of their parts. */
const MOST_MARKED_CHARACTERS = 8 * MOST_KEY_CHARACTERS

function fits(kept: unknown): boolean {
  try {
    checkRow(kept)
    return true
  } catch {
    return false
  }
}

/** What a function gives; nothing when it throws. */
function attempt<T>(make: () => T): NonNullable<T> | undefined {
  try {
    return make() ?? undefined
  } catch {
    return undefined
  }
}
