import type { FlatMapNode } from '../plan/nodes.ts'
import { SEPARATOR } from '../state/store.ts'
import { attempt, type Delta, note, type OperatorContext, type TableOperator } from './operator.ts'

type Family = ReadonlyMap<string, unknown>
const none: Family = new Map()

/**
 * Many rows of one. No state: the old row's children are worked out again and compared with the new one's.
 * A child's key is its parent's key, the separator and its own, so a child is found through its parent.
 */
export class FlatMap implements TableOperator {
  readonly delta: Delta = new Map()
  readonly #node: FlatMapNode
  readonly #context: OperatorContext
  readonly #input: TableOperator

  constructor(node: FlatMapNode, context: OperatorContext, input: TableOperator) {
    this.#node = node
    this.#context = context
    this.#input = input
  }

  step(): void {
    for (const [parent, change] of this.#input.delta) {
      const old = this.#childrenOf(parent, change.old, false)
      const now = this.#childrenOf(parent, change.new, true)
      for (const [key, row] of old) note(this.delta, key, row, now.get(key))
      for (const [key, row] of now) if (!old.has(key)) note(this.delta, key, undefined, row)
    }
  }

  get(key: string): unknown {
    const parent = key.slice(0, key.lastIndexOf(SEPARATOR))
    return this.#childrenOf(parent, this.#input.get(parent), false).get(key)
  }

  reset(): void {
    this.delta.clear()
  }

  #childrenOf(parent: string, row: unknown, report: boolean): Family {
    if (row === undefined) return none
    const family = attempt(this.#context, parent, report, () => {
      const children = new Map<string, unknown>()
      for (const [own, child] of this.#node.children(row, parent)) {
        const key = parent + SEPARATOR + own
        if (children.has(key)) throw new Error(`flatMap "${this.#node.name}" gave the key "${own}" twice for one row`)
        children.set(key, child)
      }
      return children
    })
    return (family as Family | undefined) ?? none
  }
}
