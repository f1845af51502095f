import { inputsOf, type Node } from './nodes.ts'
import type { Plan } from './plan.ts'

/** The plan as a Mermaid flowchart: a box per sub-topology, thick arrows where rows cross to other partitions. */
export function describe(plan: Plan): string {
  const ids = new Map(plan.nodes.map((node, i) => [node, `n${i}`]))
  const lines = ['flowchart LR']
  for (const [i, { topic }] of plan.sources.entries()) lines.push(`  s${i}[(${topic.name})]`)
  for (const [i, part] of plan.subTopologies.entries()) {
    lines.push(`  subgraph sub${i} [sub-topology ${i}]`)
    for (const node of part) if (node.kind !== 'sink') lines.push(`    ${ids.get(node)}["${labelOf(node)}"]`)
    lines.push('  end')
  }
  for (const [i, source] of plan.sources.entries()) {
    for (const reader of source.readers) lines.push(`  s${i} --> ${ids.get(reader)}`)
  }
  for (const node of plan.nodes) {
    if (node.kind === 'sink') lines.push(`  ${ids.get(node)}[(${node.topic.name})]`)
    for (const input of inputsOf(node)) lines.push(`  ${ids.get(input)} ${arrow(node, input)} ${ids.get(node)}`)
  }
  return `${lines.join('\n')}\n`
}

function arrow(node: Node, input: Node): string {
  if (node.kind === 'summarise') return node.group === 'parent' ? '-->' : '==>|by group|'
  if (node.kind !== 'foreignJoin') return '-->'
  return node.right === input ? '==>|looked up|' : '-->'
}

function labelOf(node: Node): string {
  switch (node.kind) {
    case 'evolve':
      return `${node.name}<br/>evolve ${Object.keys(node.handlers).length} events`
    case 'join':
    case 'foreignJoin':
      return `${node.name}<br/>${node.join} join${node.kind === 'foreignJoin' ? ' by foreign key' : ''}`
    case 'project':
      return `${node.name}<br/>${node.filters ? 'filter' : 'map'}`
    case 'combine':
      return `${node.name}<br/>combine ${Object.keys(node.parts).join(', ')}`
    case 'summarise':
      return `${node.name}<br/>summarise${node.group === 'parent' ? ', back to parent' : ''}`
    default:
      return `${node.name}<br/>${node.kind}`
  }
}
