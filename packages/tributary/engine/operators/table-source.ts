import type { TableNode } from '../plan/nodes.ts'
import { checkKey, checkRow } from '../state/plain-data.ts'
import type { StateStore } from '../state/store.ts'
import type { Marks } from './marks.ts'
import { type Delta, note, type OperatorContext, type TableOperator } from './operator.ts'

/** A rows topic as a table: holds what `keep` makes of the last row of each key. */
export class TableSource implements TableOperator {
  readonly delta: Delta = new Map()
  /** With the topic's row where `keep` failed for it: nothing else holds it. */
  readonly marks: Marks
  readonly #node: TableNode
  readonly #store: StateStore
  readonly #touched = new Set<string>()

  constructor(node: TableNode, context: OperatorContext) {
    this.#node = node
    this.#store = context.openStore(node.name)
    this.marks = context.marks('row')
  }

  /** Takes in one record of the topic; a null row is a tombstone. */
  take(key: string, row: unknown): void {
    this.#touched.add(key)
    if (row === null) {
      this.#store.delete(key)
      this.marks.clear(key)
      return
    }
    try {
      checkKey(key, `a record of "${this.#node.topic.name}"`)
      const kept = this.#node.keep(row, key) ?? undefined
      if (kept === undefined) this.#store.delete(key)
      else {
        checkRow(kept)
        this.#store.put(key, kept)
      }
      this.marks.clear(key)
    } catch (error) {
      this.#store.delete(key)
      this.marks.fail(key, error, 'author-error', row)
    }
  }

  step(): void {
    for (const key of this.marks.retried) {
      const row = this.marks.kept(key)
      if (row !== undefined && !this.#touched.has(key)) this.take(key, row)
    }
    for (const key of this.#touched) note(this.delta, key, this.#store.before(key), this.#store.get(key))
  }

  get(key: string): unknown {
    return this.#store.get(key)
  }

  keys(): Iterable<string> {
    return this.#store.keys()
  }

  reset(): void {
    this.delta.clear()
    this.#touched.clear()
    this.marks.reset()
  }
}
