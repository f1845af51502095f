import type { JoinNode } from '../plan/nodes.ts'
import { checkOutside } from '../state/plain-data.ts'
import type { Marks } from './marks.ts'
import { beforeAndAfter, type Change, type Delta, note, type OperatorContext, type TableOperator } from './operator.ts'

/**
 * Joins two tables by the same key. No state: a side that didn't change is read from its table. When both changed
 * in one epoch the join sees both changes at once, so no half-way row comes out.
 */
export class Join implements TableOperator {
  readonly delta: Delta = new Map()
  readonly marks: Marks
  readonly #node: JoinNode
  readonly #left: TableOperator
  readonly #right: TableOperator

  constructor(node: JoinNode, context: OperatorContext, left: TableOperator, right: TableOperator) {
    this.#node = node
    this.#left = left
    this.#right = right
    this.marks = context.marks('row')
  }

  step(): void {
    for (const [key, left] of this.#left.delta) this.#emit(key, left, beforeAndAfter(this.#right, key))
    for (const [key, right] of this.#right.delta) {
      if (!this.#left.delta.has(key)) this.#emit(key, beforeAndAfter(this.#left, key), right)
    }
    for (const key of this.marks.retried) {
      if (this.#left.delta.has(key) || this.#right.delta.has(key)) continue
      this.#emit(key, beforeAndAfter(this.#left, key), beforeAndAfter(this.#right, key))
    }
  }

  get(key: string): unknown {
    const left = this.#left.get(key)
    const right = this.#right.get(key)
    return this.#joins(left, right) ? this.marks.get(key, () => this.#row(left, right, key)) : undefined
  }

  *keys(): Iterable<string> {
    yield* this.#left.keys()
    if (this.#node.join === 'outer') yield* this.#right.keys()
  }

  reset(): void {
    this.delta.clear()
    this.marks.reset()
  }

  #emit(key: string, left: Change, right: Change): void {
    const was = this.#joins(left.old, right.old)
      ? this.marks.before(key, () => this.#row(left.old, right.old, key))
      : undefined
    const joins = this.#joins(left.new, right.new)
    if (!joins) this.marks.clear(key)
    const is = joins ? this.marks.now(key, () => this.#row(left.new, right.new, key)) : undefined
    note(this.delta, key, was, is)
  }

  /** Whether there is a row of these sides. */
  #joins(left: unknown, right: unknown): boolean {
    const { join } = this.#node
    if (left === undefined && (join !== 'outer' || right === undefined)) return false
    return right !== undefined || join !== 'inner'
  }

  #row(left: unknown, right: unknown, key: string): unknown {
    return checkOutside(this.#node.select(left, right, key))
  }
}
