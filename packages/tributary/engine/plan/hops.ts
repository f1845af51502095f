import { inputsOf, type Node } from './nodes.ts'
import type { Plan } from './plan.ts'

/** How often a change may cross to another partition, through the processor's own topics, until its row is written. */
export function hopsOf({ nodes }: Plan): number {
  const hops = new Map<Node, number>()
  for (const node of nodes) {
    hops.set(node, Math.max(0, ...inputsOf(node).map((input) => hops.get(input)! + crossings(node, input))))
  }
  return Math.max(...hops.values())
}

/** A foreign key is asked for in its own partition and answered in the asker's; a change on the other side is told. */
function crossings(reader: Node, input: Node): number {
  if (reader.kind === 'summarise') return reader.group === 'parent' ? 0 : 1
  if (reader.kind === 'foreignJoin') return reader.right === input ? 1 : 2
  // Whether a row is written under its own key, or sent to where its record's key belongs, only the row says.
  return reader.kind === 'sink' ? 1 : 0
}
