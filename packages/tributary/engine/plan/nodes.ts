import type { EventsTopic, RowsTopic } from '#contracts/topic'
import type { AggregatePlan } from '../dsl/aggregates.ts'

/** A row of some table; which shape is the author's matter and checked by the DSL's types. */
export type Row = unknown

/** A function of the author that makes one row of another. Pure: no clock, no random numbers, no effects. */
export type Project = (row: Row, key: string) => Row | null | undefined
/** How two sides become one row. A missing side is undefined. */
export type Select = (left: Row, right: Row, key: string) => Row
/** What an event does to the row of its key. Null or undefined: there is no row. */
export type Handler = (row: Row | undefined, event: unknown, key: string) => Row | null | undefined
export type Children = (row: Row, key: string) => Iterable<readonly [string, Row]>
export type KeyOf = (row: Row) => string | null | undefined

export type JoinKind = 'inner' | 'left' | 'outer'

interface Named {
  /** Unique in its topology; names its state and its traffic, so it must stay when the topology is edited. */
  readonly name: string
}

/** Folds a topic's events into the current row of each key. */
export interface EvolveNode extends Named {
  readonly kind: 'evolve'
  readonly topic: EventsTopic
  /** By short event name; the events the node doesn't care for are missing. */
  readonly handlers: Readonly<Record<string, Handler>>
}
/** A rows topic read as a table; holds what `keep` makes of each row. */
export interface TableNode extends Named {
  readonly kind: 'table'
  readonly topic: RowsTopic
  readonly keep: Project
}
/** One row of one row, or none: map and filter. */
export interface ProjectNode extends Named {
  readonly kind: 'project'
  readonly input: TableLikeNode
  readonly project: Project
  readonly filters: boolean
}
/** Many rows of one row; they stay in their parent's partition. */
export interface FlatMapNode extends Named {
  readonly kind: 'flatMap'
  readonly input: TableLikeNode
  readonly children: Children
}
/** Joins two tables of the same key. */
export interface JoinNode extends Named {
  readonly kind: 'join'
  readonly join: JoinKind
  readonly left: TableLikeNode
  readonly right: TableLikeNode
  readonly select: Select
}
/** Joins each left row with the right row that its `on` names. */
export interface ForeignJoinNode extends Named {
  readonly kind: 'foreignJoin'
  readonly join: 'inner' | 'left'
  readonly left: TableLikeNode
  readonly right: TableLikeNode
  readonly on: KeyOf
  readonly select: Select
}
/** One row per group, kept up by adding and taking away. */
export interface SummariseNode extends Named {
  readonly kind: 'summarise'
  readonly input: TableLikeNode
  readonly group: KeyOf
  /** The author says that a row's group hashes to the partition the row is in: checked at run time. */
  readonly colocated: boolean
  readonly aggregates: AggregatePlan
}

export type TableLikeNode =
  | EvolveNode
  | TableNode
  | ProjectNode
  | FlatMapNode
  | JoinNode
  | ForeignJoinNode
  | SummariseNode

/** Writes a table to a rows topic. */
export interface SinkNode extends Named {
  readonly kind: 'sink'
  readonly input: TableLikeNode
  readonly topic: RowsTopic
}

export type Node = TableLikeNode | SinkNode

/** The tables a node reads from. */
export function inputsOf(node: Node): readonly TableLikeNode[] {
  switch (node.kind) {
    case 'evolve':
    case 'table':
      return []
    case 'join':
    case 'foreignJoin':
      return [node.left, node.right]
    default:
      return [node.input]
  }
}
