import type { EventsTopic, RowsTopic } from '#contracts/topic'
import type { Topology } from '../dsl/topology.ts'
import { EngineError } from '../errors.ts'
import { type EvolveNode, inputsOf, type Node, type SinkNode, type TableLikeNode, type TableNode } from './nodes.ts'

/** A topic that a topology reads, and which of its nodes read it. */
export type Source =
  | { readonly kind: 'events'; readonly topic: EventsTopic; readonly readers: readonly EvolveNode[] }
  | { readonly kind: 'rows'; readonly topic: RowsTopic; readonly readers: readonly TableNode[] }

/**
 * What runs: nodes in an order in which inputs come before their readers, the topics read, and the sub-topologies
 * (what belongs together without a re-keying in between). A task is a sub-topology in one partition; all tasks of a
 * partition are given to the same worker.
 */
export interface Plan {
  readonly name: string
  readonly nodes: readonly Node[]
  readonly sources: readonly Source[]
  readonly sinks: readonly SinkNode[]
  readonly subTopologies: readonly (readonly Node[])[]
  readonly partitions: number
}

/**
 * Where a table's rows are: how many `flatMap`s made their keys since they were in the partition their key hashes to. With
 * 0 they are there; else they are where the first parent is.
 */
type Placement = number

/**
 * Makes a plan of a topology. Throws `PLAN_INVALID` or `NOT_COPARTITIONED`, naming the operators or topics that
 * don't fit and what to do.
 */
export function plan(topology: Topology): Plan {
  const nodes: Node[] = []
  const seen = new Set<Node>()
  const visit = (node: Node) => {
    if (seen.has(node)) return
    seen.add(node)
    for (const input of inputsOf(node)) visit(input)
    nodes.push(node)
  }
  for (const sink of topology.sinks) visit(sink)
  if (topology.sinks.length === 0) {
    throw new EngineError('PLAN_INVALID', `topology "${topology.name}" writes nothing: end it with .to(…)`)
  }
  checkNames(topology.name, nodes)
  checkPlacement(nodes)

  const sources = sourcesOf(nodes)
  return {
    name: topology.name,
    nodes,
    sources,
    sinks: nodes.filter((node) => node.kind === 'sink'),
    subTopologies: cut(nodes),
    partitions: partitionsOf(sources),
  }
}

function checkNames(topology: string, nodes: readonly Node[]): void {
  const names = new Set<string>()
  for (const { name } of nodes) {
    if (!/^[A-Za-z0-9._-]+$/.test(name)) {
      throw new EngineError('PLAN_INVALID', `operator name "${name}" may only have letters, digits, ".", "_" and "-"`)
    }
    if (names.has(name)) {
      throw new EngineError(
        'PLAN_INVALID',
        `topology "${topology}" has two operators named "${name}": their state would mix, give one another name`,
      )
    }
    names.add(name)
  }
  const owners = new Map<string, string>()
  for (const node of nodes) {
    for (const store of storesOf(node)) {
      const other = owners.get(store)
      if (other !== undefined) {
        throw new EngineError(
          'PLAN_INVALID',
          `topology "${topology}": operators "${other}" and "${node.name}" would both keep state as "${store}": ` +
            'it would mix, give one another name',
        )
      }
      owners.set(store, node.name)
    }
  }
}

/** The names under which a node's operators keep state, in the changelog too. */
export function storesOf({ kind, name }: Node): string[] {
  return [name, `${name}.failed`, ...parts[kind].map((part) => `${name}.${part}`)]
}

const parts: Readonly<Record<Node['kind'], readonly string[]>> = {
  evolve: ['marks'],
  table: [],
  project: [],
  flatMap: [],
  join: [],
  combine: [],
  foreignJoin: ['left', 'subscriptions'],
  summarise: ['values'],
  sink: ['claimed', 'claims'],
}

function checkPlacement(nodes: readonly Node[]): void {
  const placements = new Map<Node, Placement>()
  const of = (node: TableLikeNode) => placements.get(node) ?? 0
  const joined = (what: string, ...sides: readonly TableLikeNode[]) => {
    for (const side of sides) if (of(side) !== 0) throw misplaced(what, side.name)
  }
  for (const node of nodes) {
    switch (node.kind) {
      case 'evolve':
      case 'table':
        placements.set(node, 0)
        break
      case 'summarise':
        if (node.group === 'parent' && of(node.input) === 0) throw parentless(node.name, node.input.name)
        placements.set(node, node.group === 'parent' ? of(node.input) - 1 : 0)
        break
      case 'flatMap':
        placements.set(node, of(node.input) + 1)
        break
      case 'project':
      case 'sink':
        placements.set(node, of(node.input))
        break
      case 'foreignJoin':
        joined(`join "${node.name}"`, node.right)
        placements.set(node, of(node.left))
        break
      case 'join':
      case 'combine':
        joined(`${node.kind} "${node.name}"`, ...inputsOf(node))
        placements.set(node, 0)
        break
      default:
        node satisfies never
    }
  }
}

function misplaced(what: string, side: string): EngineError {
  return new EngineError(
    'NOT_COPARTITIONED',
    `${what} needs the rows of "${side}" in the partition of their key, but they are in their parent's ` +
      'since flatMap: group them by a key first, or gather them with backToParent',
  )
}

function parentless(summary: string, input: string): EngineError {
  return new EngineError(
    'PLAN_INVALID',
    `summary "${summary}" takes the rows of "${input}" back to their parents, but no flatMap made them: use groupBy`,
  )
}

function sourcesOf(nodes: readonly Node[]): Source[] {
  const events = new Map<EventsTopic, EvolveNode[]>()
  const rows = new Map<RowsTopic, TableNode[]>()
  for (const node of nodes) {
    if (node.kind === 'evolve') events.set(node.topic, [...(events.get(node.topic) ?? []), node])
    if (node.kind === 'table') rows.set(node.topic, [...(rows.get(node.topic) ?? []), node])
  }
  return [
    ...[...events].map(([topic, readers]) => ({ kind: 'events' as const, topic, readers })),
    ...[...rows].map(([topic, readers]) => ({ kind: 'rows' as const, topic, readers })),
  ]
}

/** Tasks are assigned by partition number, so every topic that is read needs the same number. */
function partitionsOf(sources: readonly Source[]): number {
  const [first, ...others] = sources.map(({ topic }) => topic)
  if (!first) throw new EngineError('PLAN_INVALID', 'the topology reads no topic')
  for (const other of others) {
    if (other.partitions !== first.partitions) {
      throw new EngineError(
        'NOT_COPARTITIONED',
        `topic "${first.name}" has ${first.partitions} partitions, "${other.name}" has ${other.partitions}: ` +
          'topics of one topology need the same number',
      )
    }
  }
  return first.partitions
}

/** Whether rows cross to other partitions between a node and its reader. */
function crosses(reader: Node, input: TableLikeNode): boolean {
  if (reader.kind === 'summarise') return reader.group !== 'parent'
  return reader.kind === 'foreignJoin' && reader.right === input
}

function cut(nodes: readonly Node[]): Node[][] {
  const parts = new Map<Node, Node[]>()
  const merge = (a: Node[], b: Node[]) => {
    if (a === b) return
    for (const node of b) parts.set(node, a)
    a.push(...b)
  }
  for (const node of nodes) {
    const own = [node]
    parts.set(node, own)
    for (const input of inputsOf(node)) if (!crosses(node, input)) merge(parts.get(input)!, parts.get(node)!)
  }
  return [...new Set(parts.values())]
}
