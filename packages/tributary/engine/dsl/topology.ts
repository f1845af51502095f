import type { EventsOf, EventsTopic, KeysOf, RowsTopic } from '#contracts/topic'
import type { Combined, Handler, Node, Project, SinkNode } from '../plan/nodes.ts'
import { type AnyTable, type KeyOfAll, type Named, type RowOf, type Sink, Table } from './table.ts'

/** What happens to the row of a key, one handler per event name. Null or undefined: there is no row (any more). */
export type Handlers<Events, Row, Keys = { [Name in keyof Events]: string }> = {
  readonly [Name in keyof Events]: (
    row: Row | undefined,
    event: Events[Name],
    key: KeyIn<Keys, Name>,
  ) => Row | null | undefined
}

/** The key of some of a topic's events. */
type KeyIn<Keys, Name> = Extract<Keys[Name & keyof Keys], string>

/** The row that handlers give. One that gives the row it was given, whatever that is, says nothing of it. */
type RowFrom<Rows> = NonNullable<
  { readonly [Name in keyof Rows]: unknown extends Rows[Name] ? never : Rows[Name] }[keyof Rows]
>

/** A topic of events, keyed by aggregate id. */
export interface EventStream<Events, Keys = { [Name in keyof Events]: string }> {
  /** Only these events; the topic's others are passed over. */
  only<Name extends keyof Events>(...names: readonly Name[]): EventStream<Pick<Events, Name>, Keys>
  /**
   * The current row of each record key, folded from its events in order. Every event needs its handler. A tombstone
   * deletes the row. Handlers are pure: the same row and event always give the same row.
   *
   * What a row is follows from what the handlers give, where none of them looks into the row that was there (`(row) => row`
   * doesn't). One that does needs to know it before: `evolve<Loan>({ … })`.
   */
  evolve<Rows extends { readonly [Name in keyof Events]: unknown }>(
    handlers: {
      readonly [Name in keyof Rows]: (
        row: unknown,
        event: Events[Name & keyof Events],
        key: KeyIn<Keys, Name>,
      ) => Rows[Name]
    } & { readonly [Name in Exclude<keyof Rows, keyof Events>]: never },
    options?: Named,
  ): Table<KeyIn<Keys, keyof Events>, RowFrom<Rows>>
  evolve<Row>(handlers: Handlers<Events, Row, Keys>, options?: Named): Table<KeyIn<Keys, keyof Events>, Row>
}

/** Where a topology's tables come from. */
export interface Sources {
  /** The events of a domain topic. */
  events<Topic extends EventsTopic>(topic: Topic): EventStream<EventsOf<Topic>, KeysOf<Topic>>
  /** A rows topic as a table, keyed by record key. */
  table<R, K extends string>(topic: RowsTopic<R, K>): Table<K, R>
  /** The same, holding only what `keep` makes of each row (nothing for null): state is as small as you make it. */
  table<R, K extends string, Kept>(
    topic: RowsTopic<R, K>,
    keep: (row: R, key: K) => Kept | null,
    options?: Named,
  ): Table<K, Kept>
  /**
   * A row for each key that has a row in one of the tables at least, made of all of them at once: an outer join of any
   * number of tables of the same key. A part that has no row is undefined; null or undefined leaves the key out. Pure.
   */
  combine<Tables extends Readonly<Record<string, AnyTable>>, O>(
    tables: Tables & { readonly [Name in keyof Tables]: Table<KeyOfAll<Tables>, RowOf<Tables[Name]>> },
    select: (
      parts: { readonly [Name in keyof Tables]: RowOf<Tables[Name]> | undefined },
      key: KeyOfAll<Tables>,
    ) => O | null | undefined,
    options?: Named,
  ): Table<KeyOfAll<Tables>, O>
}

/** A topology: a pure value, a query over topics. Run it with a worker, or in memory with `drive`. */
export interface Topology {
  readonly name: string
  readonly sinks: readonly SinkNode[]
}

/**
 * Describes a topology. `build` is called at once and only says which tables there are; nothing runs.
 * Names of operators come from their kind and place unless the author sets them.
 */
export function topology(name: string, build: (sources: Sources) => Sink | readonly Sink[]): Topology {
  const names = new Map<string, number>()
  const nameOf = (wanted: string, given?: string) => {
    if (given !== undefined) return given
    const nth = (names.get(wanted) ?? 0) + 1
    names.set(wanted, nth)
    return nth === 1 ? wanted : `${wanted}-${nth}`
  }
  const tableOf = (node: Exclude<Node, SinkNode>) => new Table<string, never>(node, nameOf) as never

  const streamOf = (topic: EventsTopic, only: ReadonlySet<string> | undefined): EventStream<unknown> => ({
    only: (...picked: readonly unknown[]) => streamOf(topic, new Set(picked as string[])) as never,
    evolve: (handlers: object, options?: Named) => {
      const wanted = Object.fromEntries(
        Object.entries(handlers as Record<string, Handler>).filter(([event]) => !only || only.has(event)),
      )
      return tableOf({ kind: 'evolve', name: nameOf(topic.service, options?.name), topic, handlers: wanted })
    },
  })

  const built = build({
    events: (topic) => streamOf(topic, undefined) as never,
    table: (topic: RowsTopic, keep: Project = (row) => row, options?: Named) =>
      tableOf({ kind: 'table', name: nameOf(topic.readModel, options?.name), topic: topic as RowsTopic, keep }),
    combine: (tables: Parameters<typeof Table.combine>[1], select: Combined, options?: Named) =>
      Table.combine(nameOf, tables, select, options) as never,
  } as Sources)
  return { name, sinks: [built].flat().map((sink) => sink.node) }
}
