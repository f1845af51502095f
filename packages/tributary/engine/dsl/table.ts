import { type KeyParts, keyText, type NameOfKey, type NumberKey, type RecordKey } from '#contracts/key'
import type { RowsTopic } from '#contracts/topic'
import type {
  ChildKeyOf,
  Children,
  Combined,
  JoinKind,
  KeyOf,
  Project,
  SinkNode,
  TableLikeNode,
} from '../plan/nodes.ts'
import { type Aggregate, type Aggregates, isTrue, planAggregates, type Summary } from './aggregates.ts'

export interface Named {
  /** The operator's name; set it where state must survive edits of the operators before it. */
  readonly name?: string
}

/** A table that is written to a topic. */
export interface Sink {
  readonly node: SinkNode
}

/** The key of a row that `flatMap` made: that of its parent and its own. */
export type ChildKey<Parent extends string> = string & { readonly childOf: Parent }

interface Joined<K, L, R, O> extends Named {
  /** The row made of both sides. Pure. */
  readonly select: (left: L, right: R, key: K) => O
}
/** By the same key: there is no `on`. (Its type is a function's, so that one that is there has its parameter's type.) */
interface JoinedByKey<K, L, R, O> extends Joined<K, L, R, O> {
  readonly on?: (left: L) => never
}
interface JoinedOn<K, RK, L, R, O> extends Joined<K, L, R, O> {
  /** What names the right row's key (a text, a number, a record's parts), read off the left row; null or undefined where there is none. Pure. */
  readonly on: (left: L) => NameOfKey<NoInfer<RK>> | null | undefined
}

/** A table and a join as the plan sees them; the overloads check the types before. */
// biome-ignore lint/suspicious/noExplicitAny: any key and row goes here
export type AnyTable = Table<any, any>
export type RowOf<T> = T extends Table<infer _, infer V> ? V : never
/** The key of all of these tables; of tables of different keys one that none of them has. */
export type KeyOfAll<Tables> = Tables[keyof Tables] extends infer T
  ? T extends Table<infer K, infer _>
    ? K
    : never
  : never
interface AnyJoin extends Named {
  // biome-ignore lint/suspicious/noExplicitAny: any row goes here
  readonly on?: (left: any) => any
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
   * Many rows for each row. They stay in their parent's partition, so they can't be joined by key: join them by a foreign
   * key, gather them with `backToParent`, or group them. `by` tells a row from its siblings, so that a row that stays the
   * same isn't worked on again when one before it goes; without it they go by their place. Two siblings that `by` gives
   * the same are a failure of their parent.
   */
  flatMap<C>(
    children: (row: V, key: K) => Iterable<C>,
    options?: Named & { readonly by?: (child: C) => string | number },
  ): Table<ChildKey<K>, C> {
    const name = this.#nameOf(`${this.#node.name}-flatMap`, options?.name)
    const by = options?.by as ChildKeyOf | undefined
    return this.#next({ kind: 'flatMap', name, input: this.#node, children: children as Children, by })
  }

  /** Rows that are on both sides: by the same key, or by the key that `on` reads off the left row. */
  join<R, O>(right: Table<NoInfer<K>, R>, options: JoinedByKey<K, V, R, O>): Table<K, O>
  join<RK extends string, R, O>(right: Table<RK, R>, options: JoinedOn<K, RK, V, R, O>): Table<K, O>
  join(right: AnyTable, options: AnyJoin): Table<K, never> {
    return this.#join('inner', right, options)
  }

  /** Every left row, with the right one where there is one: by the same key, or by the key that `on` reads off it. */
  leftJoin<R, O>(right: Table<NoInfer<K>, R>, options: JoinedByKey<K, V, R | undefined, O>): Table<K, O>
  leftJoin<RK extends string, R, O>(right: Table<RK, R>, options: JoinedOn<K, RK, V, R | undefined, O>): Table<K, O>
  leftJoin(right: AnyTable, options: AnyJoin): Table<K, never> {
    return this.#join('left', right, options)
  }

  /** Rows that are on one side at least, by the same key. */
  outerJoin<R, O>(right: Table<NoInfer<K>, R>, options: Joined<K, V | undefined, R | undefined, O>): Table<K, O> {
    return this.#join<O>('outer', right as AnyTable, options as AnyJoin)
  }

  /**
   * Gathers rows by another key: a text or a whole number, so that the groups can be joined by it, or a record of values,
   * which are then in the groups' rows, too. Rows for which there is none are in no group.
   *
   * A record's key is written by `key`, else as `recordKey` does. Of different records that `key` gives the same text the
   * least stands, the others are failures of the operator.
   * Where rows are written to a topic under that same key, they are in their task already: nothing is sent or kept for it.
   */
  groupBy<Parts extends KeyParts<Parts>, G extends string = string>(
    group: (row: V) => Parts | null | undefined,
    options: Named & { readonly key: (parts: NoInfer<Parts>) => G },
  ): Grouped<G, V, Parts>
  groupBy<G extends string>(group: (row: V) => G | null | undefined, options?: Named): Grouped<G, V, unknown>
  groupBy<N extends number>(group: (row: V) => N | null | undefined, options?: Named): Grouped<NumberKey<N>, V, unknown>
  groupBy<Parts extends KeyParts<Parts>>(
    group: (row: V) => Parts | null | undefined,
    options?: Named,
  ): Grouped<RecordKey<Parts>, V, Parts>
  groupBy(
    group: (row: V) => string | number | object | null | undefined,
    options?: Named & { readonly key?: (parts: never) => string },
  ): Grouped<never, V, never> {
    return this.#grouped(group as KeyOf, options)
  }

  /** Gathers the rows that a `flatMap` made under their parents' keys again. They are there already: nothing moves. */
  backToParent<Parent extends string>(this: Table<ChildKey<Parent>, V>, options?: Named): Grouped<Parent, V, unknown> {
    return this.#grouped('parent', options)
  }

  /** Writes the table to a rows topic, whose record key is read off the row. */
  to<R>(this: Table<K, NoInfer<R>>, topic: RowsTopic<R>): Sink {
    return { node: { kind: 'sink', name: `to-${topic.name}`, input: this.#node, topic: topic as RowsTopic } }
  }

  /** `combine` of `Sources`: here, since only tables know their nodes. */
  static combine(nameOf: NameOf, tables: Readonly<Record<string, AnyTable>>, select: Combined, options?: Named) {
    const parts = Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, table.#node]))
    return new Table<never, never>({ kind: 'combine', name: nameOf('combine', options?.name), parts, select }, nameOf)
  }

  #grouped<G extends string, Parts>(
    group: KeyOf | 'parent',
    options?: Named & { readonly key?: (parts: never) => string },
  ): Grouped<G, V, Parts> {
    return {
      summarise: (describe) => {
        const name = this.#nameOf(`${this.#node.name}-summary`, options?.name)
        const aggregates = planAggregates(describe)
        const key = options?.key ?? keyText
        return this.#next({ kind: 'summarise', name, input: this.#node, group, key, aggregates })
      },
    }
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

/** A table's rows gathered by a key, which is of these parts where it is a record. */
export interface Grouped<G extends string, V, Parts> {
  /**
   * One row per group that has rows: `a => ({ loans: a.count(), days: a.sum(loan => loan.days) })`, with the parts of the
   * group's key before them.
   */
  summarise<S extends Record<string, Aggregate<unknown>> & { readonly [Name in keyof Parts]?: never }>(
    describe: (aggregates: Aggregates<V>) => S,
  ): Table<G, Parts & Summary<S>>
}
