import type { CombineNode } from '../plan/nodes.ts'
import { checkOutside } from '../state/plain-data.ts'
import type { Marks } from './marks.ts'
import { beforeAndAfter, type Delta, note, type OperatorContext, type TableOperator } from './operator.ts'

type Parts = Readonly<Record<string, unknown>>

/**
 * Outer-joins any number of tables by the same key. No state: the parts that didn't change are read from their tables. However
 * many of a key's parts changed in an epoch, its row is made once of all of them and compared once with what it was.
 */
export class Combine implements TableOperator {
  readonly delta: Delta = new Map()
  readonly marks: Marks
  readonly #node: CombineNode
  readonly #tables: readonly (readonly [part: string, table: TableOperator])[]

  constructor(node: CombineNode, context: OperatorContext, tables: Readonly<Record<string, TableOperator>>) {
    this.#node = node
    this.#tables = Object.entries(tables)
    this.marks = context.marks('row')
  }

  step(): void {
    const changed = new Set<string>(this.marks.retried)
    for (const [, { delta }] of this.#tables) for (const key of delta.keys()) changed.add(key)
    for (const key of changed) this.#emit(key)
  }

  get(key: string): unknown {
    const parts = this.#partsOf((table) => table.get(key))
    return parts && this.marks.get(key, () => this.#row(parts, key))
  }

  *keys(): Iterable<string> {
    for (const [, table] of this.#tables) yield* table.keys()
  }

  reset(): void {
    this.delta.clear()
    this.marks.reset()
  }

  #emit(key: string): void {
    const changes = new Map(this.#tables.map(([part, table]) => [part, beforeAndAfter(table, key)]))
    const old = this.#partsOf((_, part) => changes.get(part)!.old)
    const now = this.#partsOf((_, part) => changes.get(part)!.new)
    const was = old && this.marks.before(key, () => this.#row(old, key))
    if (!now) this.marks.clear(key)
    note(this.delta, key, was, now && this.marks.now(key, () => this.#row(now, key)))
  }

  /** The parts that have a row; undefined when none has. */
  #partsOf(rowOf: (table: TableOperator, part: string) => unknown): Parts | undefined {
    const parts: Record<string, unknown> = {}
    let any = false
    for (const [part, table] of this.#tables) {
      const row = rowOf(table, part)
      if (row === undefined) continue
      parts[part] = row
      any = true
    }
    return any ? parts : undefined
  }

  #row(parts: Parts, key: string): unknown {
    return checkOutside(this.#node.select(parts, key))
  }
}
