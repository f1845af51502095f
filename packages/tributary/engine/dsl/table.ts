import type { RowsTopic } from '#contracts/topic'
import type { Children, JoinKind, KeyOf, Project, SinkNode, TableLikeNode } from '../plan/nodes.ts'
import { type Aggregate, type Aggregates, isTrue, planAggregates, type Summary } from './aggregates.ts'

export interface Named {
  /** The operator's name; set it where state must survive edits of the operators before it. */
  readonly name?: string
}

/** A table that is written to a topic. */
export interface Sink {
  readonly node: SinkNode
}

interface Joined<K, L, R, O> extends Named {
  /** The row made of both sides. Pure. */
  readonly select: (left: L, right: R, key: K) => O
}
interface JoinedOn<K, RK, L, R, O> extends Joined<K, L, R, O> {
  /** The right row's key, read off the left row; null or undefined where there is none. Pure. */
  readonly on: (left: L) => NoInfer<RK> | null | undefined
}

/** A table and a join as the plan sees them; the overloads check the types before. */
// biome-ignore lint/suspicious/noExplicitAny: any key and row goes here
type AnyTable = Table<any, any>
interface AnyJoin extends Named {
  // biome-ignore lint/suspicious/noExplicitAny: any row goes here
  readonly on?: (left: any) => string | null | undefined
  // biome-ignore lint/suspicious/noExplicitAny: any row goes here
  readonly select: (left: any, right: any, key: any) => any
}

type NameOf = (wanted: string, given?: string) => string

/**
 * The current rows of a key. Every function given to it is a pure projection: no clock, no random numbers, no
 * effects. It may be called any number of times, also for rows that are on their way out.
 */
export class Table<K extends string, V> {
  readonly #node: TableLikeNode
  readonly #nameOf: NameOf
  /** Only there for the compiler: tables of different keys don't join by accident. */
  declare readonly key: (key: K) => K

  constructor(node: TableLikeNode, nameOf: NameOf) {
    this.#node = node
    this.#nameOf = nameOf
  }

  /** Another row for each row; null or undefined leaves it out. */
  map<O>(project: (row: V, key: K) => O | null | undefined, options?: Named): Table<K, O> {
    const name = this.#nameOf(`${this.#node.name}-map`, options?.name)
    return this.#next({ kind: 'project', name, input: this.#node, project: project as Project, filters: false })
  }

  /** Only the rows for which `keep` holds. */
  filter(keep: (row: V, key: K) => boolean, options?: Named): Table<K, V> {
    const name = this.#nameOf(`${this.#node.name}-filter`, options?.name)
    const project: Project = (row, key) => (isTrue(keep(row as V, key as K)) ? row : undefined)
    return this.#next({ kind: 'project', name, input: this.#node, project, filters: true })
  }

  /**
   * Many rows for each row, each with a key that is unique among its siblings. They stay in their parent's
   * partition, so they can't be joined by key; group them, or join them by a foreign key.
   */
  flatMap<C>(children: (row: V, key: K) => Iterable<readonly [string, C]>, options?: Named): Table<string, C> {
    const name = this.#nameOf(`${this.#node.name}-flatMap`, options?.name)
    return this.#next({ kind: 'flatMap', name, input: this.#node, children: children as Children })
  }

  /** Rows that are on both sides: by the same key, or by the key that `on` reads off the left row. */
  join<RK extends string, R, O>(right: Table<RK, R>, options: JoinedOn<K, RK, V, R, O>): Table<K, O>
  join<R, O>(right: Table<NoInfer<K>, R>, options: Joined<K, V, R, O>): Table<K, O>
  join(right: AnyTable, options: AnyJoin): Table<K, never> {
    return this.#join('inner', right, options)
  }

  /** Every left row, with the right one where there is one: by the same key, or by the key that `on` reads off it. */
  leftJoin<RK extends string, R, O>(right: Table<RK, R>, options: JoinedOn<K, RK, V, R | undefined, O>): Table<K, O>
  leftJoin<R, O>(right: Table<NoInfer<K>, R>, options: Joined<K, V, R | undefined, O>): Table<K, O>
  leftJoin(right: AnyTable, options: AnyJoin): Table<K, never> {
    return this.#join('left', right, options)
  }

  /** Rows that are on one side at least, by the same key. */
  outerJoin<R, O>(right: Table<NoInfer<K>, R>, options: Joined<K, V | undefined, R | undefined, O>): Table<K, O> {
    return this.#join<O>('outer', right as AnyTable, options as AnyJoin)
  }

  /** Gathers rows by another key. `colocated`: the group's key hashes to the partition the rows are in already. */
  groupBy<G extends string>(
    group: (row: V) => G | null | undefined,
    options?: Named & { readonly colocated?: boolean },
  ): Grouped<G, V> {
    return {
      summarise: (describe) => {
        const name = this.#nameOf(`${this.#node.name}-summary`, options?.name)
        return this.#next({
          kind: 'summarise',
          name,
          input: this.#node,
          group: group as KeyOf,
          colocated: options?.colocated ?? false,
          aggregates: planAggregates(describe),
        })
      },
    }
  }

  /** Writes the table to a rows topic, whose record key is read off the row. */
  to<R>(this: Table<K, NoInfer<R>>, topic: RowsTopic<R>): Sink {
    return { node: { kind: 'sink', name: `to-${topic.name}`, input: this.#node, topic: topic as RowsTopic } }
  }

  #join<O>(join: JoinKind, right: AnyTable, options: AnyJoin): Table<K, O> {
    const { on, select } = options
    const name = this.#nameOf(`${this.#node.name}-${right.#node.name}`, options.name)
    const sides = { name, left: this.#node, right: right.#node, select }
    return on
      ? this.#next({ kind: 'foreignJoin', join: join as 'inner' | 'left', on, ...sides })
      : this.#next({ kind: 'join', join, ...sides })
  }

  #next<K2 extends string, O>(node: TableLikeNode): Table<K2, O> {
    return new Table<K2, O>(node, this.#nameOf)
  }
}

/** A table's rows gathered by a key. */
export interface Grouped<G extends string, V> {
  /** One row per group that has rows: `a => ({ orders: a.count(), paidCents: a.sum(p => p.cents) })`. */
  summarise<S extends Record<string, Aggregate<unknown>>>(
    describe: (aggregates: Aggregates<V>) => S,
  ): Table<G, Summary<S>>
}
