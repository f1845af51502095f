import { EngineError } from '../errors.ts'
import { compare, compareTexts, type SortKey } from './order.ts'

/** The figures of one group, as its aggregates read them. Columns are those of the plan. */
export interface GroupFigures {
  /** Rows in the group. */
  readonly n: number
  /** An exact sum. Throws `SUM_TOO_LARGE` beyond the whole numbers that are exact. */
  sum(column: number): number
  /** The same as the nearest number there is. */
  total(column: number): number
  /** The JSON texts of the different values, in no order, and how often each is there. */
  values(column: number): Iterable<readonly [text: string, count: number]>
  /** The number of different values. */
  distinct(column: number): number
  /** JSON text of the greatest (1) or the least (-1) value. Only for columns that are among the plan's `extremes`. */
  extreme(column: number, sign: 1 | -1): string | undefined
}

/** A value that `summarise` works out per group; made by the `Aggregates` functions only. */
export interface Aggregate<out T> {
  readonly finish: (group: GroupFigures) => T
}

/** What a summarise node runs: integer columns, multiset columns, and the row that is made of them. */
export interface AggregatePlan {
  readonly sums: readonly ((row: unknown) => number)[]
  readonly sets: readonly ((row: unknown) => unknown)[]
  /** The multiset columns whose least or greatest value is asked for. */
  readonly extremes: ReadonlySet<number>
  readonly finish: (group: GroupFigures) => Record<string, unknown>
}

/** The shape `summarise` gives. */
export type Summary<S> = { [Name in keyof S]: S[Name] extends Aggregate<infer T> ? T : never }

/** The most rows a `collect` emits by default: what is emitted is the whole list, in one record. */
const COLLECT_LIMIT = 1_000

/** The aggregates of a group of rows. Sums are of whole numbers only: a sum of floats would depend on the order. */
export class Aggregates<Row> {
  readonly sums: ((row: unknown) => number)[] = []
  readonly sets: ((row: unknown) => unknown)[] = []
  readonly extremes = new Set<number>()
  readonly #columns = new Map<unknown, number>()

  /** Rows in the group, or those for which `where` holds. */
  count(where?: (row: Row) => boolean): Aggregate<number> {
    if (!where) return { finish: (group) => group.n }
    return this.#sum((row) => (isTrue(where(row)) ? 1 : 0))
  }

  /** Sum of whole numbers (cents, counts). Throws `NOT_AN_INTEGER` for others. */
  sum(of: (row: Row) => number): Aggregate<number> {
    return this.#sum(of)
  }

  /** Mean of the whole numbers that are there; null when there is none. */
  average(of: (row: Row) => number | null | undefined): Aggregate<number | null> {
    const total = this.#column((row) => of(row) ?? 0)
    const known = this.#column((row) => ((of(row) ?? null) === null ? 0 : 1))
    return {
      finish: (group) => {
        const n = group.sum(known)
        return n === 0 ? null : group.total(total) / n
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
    return { finish: (group) => group.distinct(column) }
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
    const column = this.#column(of)
    return { finish: (group) => group.sum(column) }
  }

  #column(of: (row: Row) => number): number {
    return this.sums.push(of as (row: unknown) => number) - 1
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
    this.extremes.add(column)
    return {
      finish: (group) => {
        const text = group.extreme(column, sign)
        return text === undefined ? null : (JSON.parse(text) as T)
      },
    }
  }

  /** Rows that `by` doesn't tell apart are ordered by their text, so that the order doesn't depend on history. */
  #ordered<T>(group: GroupFigures, column: number, by: (item: T) => SortKey): T[] {
    const rows: { readonly text: string; readonly item: T; readonly key: SortKey }[] = []
    for (const [text, count] of group.values(column)) {
      const item = JSON.parse(text) as T
      const key = by(item)
      for (let i = 0; i < count; i++) rows.push({ text, item, key })
    }
    if (rows.length > 1) rows.sort((a, b) => compare(a.key, b.key) || compareTexts(a.text, b.text))
    return rows.map(({ item }) => item)
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
    extremes: aggregates.extremes,
    finish: (group) => {
      const row: Record<string, unknown> = {}
      for (const [name, aggregate] of shape) row[name] = aggregate.finish(group)
      return row
    },
  }
}

function valuesOf<T>(group: GroupFigures, column: number): T[] {
  return Array.from(group.values(column), ([text]) => JSON.parse(text) as T)
}

/** A function that gives a promise would hold for every row. */
export function isTrue(answer: unknown): boolean {
  if (typeof answer === 'object' && answer !== null) {
    throw new EngineError('NOT_PLAIN_DATA', 'a condition gave an object (a promise?), not true or false')
  }
  return Boolean(answer)
}
