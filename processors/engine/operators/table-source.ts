import type { TableNode } from '../plan/nodes.ts'
import type { StateStore } from '../state/store.ts'
import { attempt, type Delta, note, type OperatorContext, type TableOperator } from './operator.ts'

/** A rows topic as a table: holds what `keep` makes of the last row of each key. */
export class TableSource implements TableOperator {
  readonly delta: Delta = new Map()
  readonly #node: TableNode
  readonly #context: OperatorContext
  readonly #store: StateStore
  readonly #touched = new Set<string>()

  constructor(node: TableNode, context: OperatorContext) {
    this.#node = node
    this.#context = context
    this.#store = context.openStore(node.name)
  }

  /** Takes in one record of the topic; a null row is a tombstone. */
  take(key: string, row: unknown): void {
    const kept = row === null ? undefined : attempt(this.#context, key, true, () => this.#node.keep(row, key))
    if (kept === undefined) this.#store.delete(key)
    else this.#store.put(key, kept)
    this.#touched.add(key)
  }

  step(): void {
    for (const key of this.#touched) note(this.delta, key, this.#store.before(key), this.#store.get(key))
  }

  get(key: string): unknown {
    return this.#store.get(key)
  }

  reset(): void {
    this.delta.clear()
    this.#touched.clear()
  }
}
