import type { SinkNode } from '../plan/nodes.ts'
import type { Operator, TableOperator } from './operator.ts'

/** A record for a rows topic; a null row is a tombstone. */
export interface Output {
  readonly sink: SinkNode
  readonly key: string
  readonly row: unknown
}

/** Writes a table's changes: one record per key and epoch. */
export class Sink implements Operator {
  readonly #node: SinkNode
  readonly #input: TableOperator
  readonly #emit: (output: Output) => void

  constructor(node: SinkNode, input: TableOperator, emit: (output: Output) => void) {
    this.#node = node
    this.#input = input
    this.#emit = emit
  }

  step(): void {
    const { topic } = this.#node
    for (const change of this.#input.delta.values()) {
      const was = change.old === undefined ? undefined : topic.key(change.old)
      const key = change.new === undefined ? undefined : topic.key(change.new)
      if (was !== undefined && was !== key) this.#emit({ sink: this.#node, key: was, row: null })
      if (key !== undefined) this.#emit({ sink: this.#node, key, row: change.new })
    }
  }

  reset(): void {}
}
