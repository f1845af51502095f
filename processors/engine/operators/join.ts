import type { JoinNode } from '../plan/nodes.ts'
import { attempt, beforeAndAfter, type Delta, note, type OperatorContext, type TableOperator } from './operator.ts'

/**
 * Joins two tables by the same key. No state: a side that didn't change is read from its table. When both changed
 * in one epoch the join sees both changes at once, so no half-way row comes out.
 */
export class Join implements TableOperator {
  readonly delta: Delta = new Map()
  readonly #node: JoinNode
  readonly #context: OperatorContext
  readonly #left: TableOperator
  readonly #right: TableOperator

  constructor(node: JoinNode, context: OperatorContext, left: TableOperator, right: TableOperator) {
    this.#node = node
    this.#context = context
    this.#left = left
    this.#right = right
  }

  step(): void {
    for (const [key, left] of this.#left.delta) this.#emit(key, left, beforeAndAfter(this.#right, key))
    for (const [key, right] of this.#right.delta) {
      if (!this.#left.delta.has(key)) this.#emit(key, beforeAndAfter(this.#left, key), right)
    }
  }

  get(key: string): unknown {
    return this.#row(key, this.#left.get(key), this.#right.get(key), false)
  }

  reset(): void {
    this.delta.clear()
  }

  #emit(key: string, left: { old: unknown; new: unknown }, right: { old: unknown; new: unknown }): void {
    note(this.delta, key, this.#row(key, left.old, right.old, false), this.#row(key, left.new, right.new, true))
  }

  #row(key: string, left: unknown, right: unknown, report: boolean): unknown {
    const { join } = this.#node
    if (left === undefined && (join !== 'outer' || right === undefined)) return undefined
    if (right === undefined && join === 'inner') return undefined
    return attempt(this.#context, key, report, () => this.#node.select(left, right, key))
  }
}
