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
export type Children = (row: Row, key: string) => Iterable<Row>
/** What tells a row from its siblings; a number counts as its text. */
export type ChildKeyOf = (row: Row) => string | number
/** What names a key: the text that it is, or the number or the parts that it is made of (`keyText`). */
export type KeyOf = (row: Row) => string | number | object | null | undefined
/** What is made of the rows of one key; a part that has no row is undefined. */
export type Combined = (parts: Readonly<Record<string, Row | undefined>>, key: string) => Row | null | undefined

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
  /** Undefined: by their place among their siblings. */
  readonly by: ChildKeyOf | undefined
}
/** Joins two tables of the same key. */
export interface JoinNode extends Named {
  readonly kind: 'join'
  readonly join: JoinKind
  readonly left: TableLikeNode
  readonly right: TableLikeNode
  readonly select: Select
}
/** Outer-joins any number of tables of the same key, in one step. */
export interface CombineNode extends Named {
  readonly kind: 'combine'
  /** By the parts' names. */
  readonly parts: Readonly<Record<string, TableLikeNode>>
  readonly select: Combined
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
  /** `parent`: the rows are children that a flatMap made, and are gathered where their parent is. */
  readonly group: KeyOf | 'parent'
  /** How a group that is a record is written as a key; different ones differently. */
  readonly key: (parts: never) => string
  readonly aggregates: AggregatePlan
}

export type TableLikeNode =
  | EvolveNode
  | TableNode
  | ProjectNode
  | FlatMapNode
  | JoinNode
  | CombineNode
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
    case 'combine':
      return Object.values(node.parts)
    case 'project':
    case 'flatMap':
    case 'summarise':
    case 'sink':
      return [node.input]
  }
}
