import { inputsOf, type Node, type SinkNode } from './nodes.ts'
import type { Plan } from './plan.ts'

/**
 * How often a change may cross to another partition, through the processor's own topics, until its row is written to a
 * sink's topic: the most of all ways that lead there.
 */
export function hopsOf({ nodes }: Plan, sink: SinkNode): number {
  const hops = new Map<Node, number>()
  for (const node of nodes) {
    hops.set(node, Math.max(0, ...inputsOf(node).map((input) => hops.get(input)! + crossings(node, input))))
  }
  return hops.get(sink)!
}

/** A foreign key is asked for in its own partition and answered in the asker's; a change on the other side is told. */
function crossings(reader: Node, input: Node): number {
  switch (reader.kind) {
    case 'summarise':
      return reader.group === 'parent' ? 0 : 1
    case 'foreignJoin':
      return reader.right === input ? 1 : 2
    // A row whose record has another key than its own is sent to where that one belongs, and which do only the rows say.
    case 'sink':
      return 1
    case 'evolve':
    case 'table':
    case 'project':
    case 'flatMap':
    case 'join':
    case 'combine':
      return 0
  }
}
