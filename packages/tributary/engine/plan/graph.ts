import { inputsOf, type Node } from './nodes.ts'
import type { Plan } from './plan.ts'

/** A topic, or an operator of a topology. */
export interface GraphNode {
  readonly id: string
  readonly kind: 'topic' | 'operator'
  readonly name: string
  /** What an operator does: `left join by foreign key`. */
  readonly does?: string
  /** The operator's sub-topology: those of one run in one task. */
  readonly part?: number
}

/** Where rows go. */
export interface GraphEdge {
  readonly from: string
  readonly to: string
  /** Why they cross to other partitions, where they do. */
  readonly crosses?: 'by group' | 'looked up'
}

export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

/** What a plan looks like: topics that are read, operators, topics that are written, in the order of the plan. */
export function graphOf(plan: Plan): Graph {
  const ids = new Map(plan.nodes.map((node, i) => [node, `n${i}`]))
  const sources = plan.sources.map(({ topic }, i) => ({ id: `s${i}`, kind: 'topic' as const, name: topic.name }))
  const nodes = plan.nodes.map((node): GraphNode => {
    const id = ids.get(node)!
    if (node.kind === 'sink') return { id, kind: 'topic', name: node.topic.name }
    const part = plan.subTopologies.findIndex((nodes) => nodes.includes(node))
    return { id, kind: 'operator', name: node.name, does: doingOf(node), part }
  })
  const edges = plan.nodes.flatMap((node) =>
    inputsOf(node).map((input): GraphEdge => {
      const crosses = crossing(node, input)
      return { from: ids.get(input)!, to: ids.get(node)!, ...(crosses && { crosses }) }
    }),
  )
  const reading = plan.sources.flatMap(({ readers }, i) =>
    readers.map((reader): GraphEdge => ({ from: `s${i}`, to: ids.get(reader)! })),
  )
  return { nodes: [...sources, ...nodes], edges: [...reading, ...edges] }
}

function crossing(node: Node, input: Node): GraphEdge['crosses'] {
  if (node.kind === 'summarise') return node.group === 'parent' ? undefined : 'by group'
  return node.kind === 'foreignJoin' && node.right === input ? 'looked up' : undefined
}

function doingOf(node: Node): string {
  switch (node.kind) {
    case 'evolve':
      return `evolve ${Object.keys(node.handlers).length} events`
    case 'join':
    case 'foreignJoin':
      return `${node.join} join${node.kind === 'foreignJoin' ? ' by foreign key' : ''}`
    case 'project':
      return node.filters ? 'filter' : 'map'
    case 'combine':
      return `combine ${Object.keys(node.parts).join(', ')}`
    case 'summarise':
      return `summarise${node.group === 'parent' ? ', back to parent' : ''}`
    default:
      return node.kind
  }
}
