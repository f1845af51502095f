import type { ProjectNode } from '../plan/nodes.ts'
import { attempt, type Delta, note, type OperatorContext, type TableOperator } from './operator.ts'

/** Map and filter. No state: the old row is projected again, which gives what it gave before. */
export class ProjectRows implements TableOperator {
  readonly delta: Delta = new Map()
  readonly #node: ProjectNode
  readonly #context: OperatorContext
  readonly #input: TableOperator

  constructor(node: ProjectNode, context: OperatorContext, input: TableOperator) {
    this.#node = node
    this.#context = context
    this.#input = input
  }

  step(): void {
    for (const [key, change] of this.#input.delta) {
      note(this.delta, key, this.#project(key, change.old, false), this.#project(key, change.new, true))
    }
  }

  get(key: string): unknown {
    return this.#project(key, this.#input.get(key), false)
  }

  reset(): void {
    this.delta.clear()
  }

  #project(key: string, row: unknown, report: boolean): unknown {
    return row === undefined ? undefined : attempt(this.#context, key, report, () => this.#node.project(row, key))
  }
}
