/** A row that changed in an epoch, in the form the changelog holds it. Null: the row is gone. */
export type EncodedChange = readonly [key: string, value: string | null]

/**
 * The state of one operator in one task. Reads see the epoch's own writes; nothing is kept before `commit`.
 * Rows are plain JSON data. A key may have two parts (`pairOf`); `scan` finds the keys of a first part.
 */
export interface StateStore {
  readonly name: string
  /** The row as of now, with what this epoch wrote. */
  get(key: string): unknown
  /** The row as it was when the epoch began. */
  before(key: string): unknown
  put(key: string, row: unknown): void
  delete(key: string): void
  /** The keys of this first part that have a row now, or had one before the epoch. Only for `scannable` stores. */
  scan(first: string, when?: 'now' | 'before'): Iterable<string>
  /** Rows of the last commit. */
  readonly size: number
  /** The keys of the last commit's rows; may be read on after another commit. */
  keys(): Iterable<string>

  /** What the epoch changed, once per key; rows that came out as they were are left out. */
  changes(): readonly EncodedChange[]
  /** Keeps the epoch's writes. */
  commit(): void
  /** Forgets the epoch's writes. */
  rollback(): void
  /** Takes over a changelog record while restoring; not part of an epoch. */
  load(key: string, value: string | null): void
}

/** How an operator asks for its state. */
export interface StoreOptions {
  readonly scannable?: boolean
}
export type OpenStore = (name: string, options?: StoreOptions) => StateStore
