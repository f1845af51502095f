import { graphOf } from './graph.ts'
import type { Plan } from './plan.ts'

/** The plan as a Mermaid flowchart: a box per sub-topology, thick arrows where rows cross to other partitions. */
export function describe(plan: Plan): string {
  const { nodes, edges } = graphOf(plan)
  const lines = ['flowchart LR']
  for (const { kind, id, name } of nodes) if (kind === 'topic') lines.push(`  ${id}[(${name})]`)
  for (const part of plan.subTopologies.keys()) {
    lines.push(`  subgraph sub${part} [sub-topology ${part}]`)
    for (const node of nodes) if (node.part === part) lines.push(`    ${node.id}["${node.name}<br/>${node.does}"]`)
    lines.push('  end')
  }
  for (const { from, to, crosses } of edges) lines.push(`  ${from} ${crosses ? `==>|${crosses}|` : '-->'} ${to}`)
  return `${lines.join('\n')}\n`
}
