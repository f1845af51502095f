import { EngineError } from '../errors.ts'

/** What orders rows: a number, a text (by code unit), or several of them, first one first. */
export type SortKey = number | string | readonly (number | string)[]

/** The running figures of one group. `sets` are multisets: how often each value is there, by its JSON text. */
export interface GroupState {
  /** Rows in the group. */
  n: number
  sums: number[]
  sets: Record<string, number>[]
}

/** A value that `summarise` works out per group; made by the `Aggregates` functions only. */
export interface Aggregate<out T> {
  readonly finish: (group: GroupState) => T
}

/** What a summarise node runs: integer columns, multiset columns, and the row that is made of them. */
export interface AggregatePlan {
  readonly sums: readonly ((row: unknown) => number)[]
  readonly sets: readonly ((row: unknown) => unknown)[]
  readonly finish: (group: GroupState) => Record<string, unknown>
}

/** The shape `summarise` gives. */
export type Summary<S> = { [Name in keyof S]: S[Name] extends Aggregate<infer T> ? T : never }

/** The most rows a `collect` emits by default: what is emitted is the whole list, in one record. */
const COLLECT_LIMIT = 1_000

/** The aggregates of a group of rows. Sums are of whole numbers only: a sum of floats would depend on the order. */
export class Aggregates<Row> {
  readonly sums: ((row: unknown) => number)[] = []
  readonly sets: ((row: unknown) => unknown)[] = []
  readonly #columns = new Map<unknown, number>()

  /** Rows in the group, or those for which `where` holds. */
  count(where?: (row: Row) => boolean): Aggregate<number> {
    if (!where) return { finish: (group) => group.n }
    return this.#sum((row) => (where(row) ? 1 : 0))
  }

  /** Sum of whole numbers (cents, counts). Throws `NOT_AN_INTEGER` for others. */
  sum(of: (row: Row) => number): Aggregate<number> {
    return this.#sum(of)
  }

  /** Mean of the whole numbers that are there; null when there is none. */
  average(of: (row: Row) => number | null | undefined): Aggregate<number | null> {
    const total = this.#sum((row) => of(row) ?? 0)
    const known = this.#sum((row) => ((of(row) ?? null) === null ? 0 : 1))
    return {
      finish: (group) => {
        const n = known.finish(group)
        return n === 0 ? null : total.finish(group) / n
      },
    }
  }

  /** The least value that is there; null when there is none. */
  min<T extends number | string>(of: (row: Row) => T | null | undefined): Aggregate<T | null> {
    return this.#extreme(of, -1)
  }

  /** The greatest value that is there; null when there is none. */
  max<T extends number | string>(of: (row: Row) => T | null | undefined): Aggregate<T | null> {
    return this.#extreme(of, 1)
  }

  /** How many different values there are. */
  countDistinct(of: (row: Row) => number | string | null | undefined): Aggregate<number> {
    const column = this.#set(of)
    return { finish: (group) => Object.keys(group.sets[column] ?? {}).length }
  }

  /** The different values there are, sorted. */
  distinct<T extends number | string>(of: (row: Row) => T | null | undefined): Aggregate<readonly T[]> {
    const column = this.#set(of)
    return { finish: (group) => valuesOf<T>(group, column).sort(compare) }
  }

  /**
   * Every row of the group, as `select` makes them, ordered by `by`.
   * Throws `COLLECT_TOO_LARGE` beyond `limit` rows: the whole list becomes one record.
   */
  collect<T>(options: {
    readonly select: (row: Row) => T
    readonly by: (item: T) => SortKey
    readonly limit?: number
  }): Aggregate<readonly T[]> {
    const limit = options.limit ?? COLLECT_LIMIT
    const column = this.#set(options.select)
    return {
      finish: (group) => {
        if (group.n > limit) {
          throw new EngineError(
            'COLLECT_TOO_LARGE',
            `a group of ${group.n} rows is over the limit of ${limit} rows that collect was given`,
          )
        }
        return this.#ordered(group, column, options.by)
      },
    }
  }

  /** The `n` rows that are greatest by `by`, greatest first, as `select` makes them. */
  top<T>(
    n: number,
    options: { readonly select: (row: Row) => T; readonly by: (item: T) => SortKey },
  ): Aggregate<readonly T[]> {
    const column = this.#set(options.select)
    return { finish: (group) => this.#ordered(group, column, options.by).reverse().slice(0, n) }
  }

  #sum(of: (row: Row) => number): Aggregate<number> {
    const column = this.sums.push(of as (row: unknown) => number) - 1
    return { finish: (group) => group.sums[column] ?? 0 }
  }

  /** One multiset serves all aggregates over the same projection. */
  #set(of: (row: Row) => unknown): number {
    const known = this.#columns.get(of)
    if (known !== undefined) return known
    const column = this.sets.push(of as (row: unknown) => unknown) - 1
    this.#columns.set(of, column)
    return column
  }

  #extreme<T extends number | string>(of: (row: Row) => T | null | undefined, sign: 1 | -1): Aggregate<T | null> {
    const column = this.#set(of)
    return {
      finish: (group) => {
        let best: T | null = null
        for (const value of valuesOf<T>(group, column)) {
          if (best === null || compare(value, best) * sign > 0) best = value
        }
        return best
      },
    }
  }

  #ordered<T>(group: GroupState, column: number, by: (item: T) => SortKey): T[] {
    const rows: T[] = []
    for (const [text, count] of Object.entries(group.sets[column] ?? {})) {
      for (let i = 0; i < count; i++) rows.push(JSON.parse(text) as T)
    }
    return rows.length < 2 ? rows : rows.sort((a, b) => compare(by(a), by(b)))
  }
}

/** Builds what a summarise node runs from the author's description. */
export function planAggregates<Row, S extends Record<string, Aggregate<unknown>>>(
  describe: (aggregates: Aggregates<Row>) => S,
): AggregatePlan {
  const aggregates = new Aggregates<Row>()
  const shape = Object.entries(describe(aggregates))
  return {
    sums: aggregates.sums,
    sets: aggregates.sets,
    finish: (group) => {
      const row: Record<string, unknown> = {}
      for (const [name, aggregate] of shape) row[name] = aggregate.finish(group)
      return row
    },
  }
}

function valuesOf<T>(group: GroupState, column: number): T[] {
  return Object.keys(group.sets[column] ?? {}).map((text) => JSON.parse(text) as T)
}

/** Orders sort keys: numbers by size, texts by code unit, lists by their first difference. */
export function compare(a: SortKey, b: SortKey): number {
  if (typeof a === 'object' || typeof b === 'object') {
    const left = (typeof a === 'object' ? a : [a]) as readonly (number | string)[]
    const right = (typeof b === 'object' ? b : [b]) as readonly (number | string)[]
    for (let i = 0; i < Math.min(left.length, right.length); i++) {
      const order = compare(left[i] as number | string, right[i] as number | string)
      if (order !== 0) return order
    }
    return left.length - right.length
  }
  return a < b ? -1 : a > b ? 1 : 0
}
