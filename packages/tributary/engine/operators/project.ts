import type { ProjectNode } from '../plan/nodes.ts'
import { checkOutside } from '../state/plain-data.ts'
import type { Marks } from './marks.ts'
import { type Delta, note, type OperatorContext, type TableOperator } from './operator.ts'

/** Map and filter. No state: the old row is projected again, which gives what it gave before. */
export class ProjectRows implements TableOperator {
  readonly delta: Delta = new Map()
  readonly marks: Marks
  readonly #node: ProjectNode
  readonly #input: TableOperator

  constructor(node: ProjectNode, context: OperatorContext, input: TableOperator) {
    this.#node = node
    this.#input = input
    this.marks = context.marks('row')
  }

  step(): void {
    for (const [key, change] of this.#input.delta) this.#emit(key, change.old, change.new)
    for (const key of this.marks.retried) {
      if (this.#input.delta.has(key)) continue
      const row = this.#input.get(key)
      this.#emit(key, row, row)
    }
  }

  get(key: string): unknown {
    const row = this.#input.get(key)
    return row === undefined ? undefined : this.marks.get(key, () => this.#project(row, key))
  }

  keys(): Iterable<string> {
    return this.#input.keys()
  }

  reset(): void {
    this.delta.clear()
    this.marks.reset()
  }

  #emit(key: string, old: unknown, now: unknown): void {
    const was = old === undefined ? undefined : this.marks.before(key, () => this.#project(old, key))
    if (now === undefined) this.marks.clear(key)
    const is = now === undefined ? undefined : this.marks.now(key, () => this.#project(now, key))
    note(this.delta, key, was, is)
  }

  #project(row: unknown, key: string): unknown {
    return checkOutside(this.#node.project(row, key))
  }
}
