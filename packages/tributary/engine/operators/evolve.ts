import type { EvolveNode } from '../plan/nodes.ts'
import { checkKey, checkRow } from '../state/plain-data.ts'
import type { StateStore } from '../state/store.ts'
import { type Delta, note, type OperatorContext, sameRow, type TableOperator } from './operator.ts'

/** What became of an event: folded in, or refused, with the reason. */
export type Folded = { readonly ok: true } | { readonly ok: false; readonly error: unknown }

const folded: Folded = { ok: true }

/**
 * Folds events into rows. An event is folded when it comes in; the step only says which rows changed by that. When a
 * handler throws, the row stays as it was before: whoever gave the event keeps later ones of the key back, so that they
 * can be folded in order once this one is (`run/parking.ts`).
 */
export class Evolve implements TableOperator {
  readonly delta: Delta = new Map()
  readonly #node: EvolveNode
  readonly #store: StateStore
  readonly #touched = new Set<string>()

  constructor(node: EvolveNode, context: OperatorContext) {
    this.#node = node
    this.#store = context.openStore(node.name)
  }

  /** Takes in one event of the node's topic. `name` is its short name; a null event is a tombstone. */
  fold(key: string, name: string, event: unknown): Folded {
    if (event === null) {
      this.#set(key, undefined)
      return folded
    }
    const handler = this.#node.handlers[name]
    if (!handler) return folded
    const row = this.#store.get(key)
    try {
      checkKey(key, `a record of "${this.#node.topic.name}"`)
      const next = handler(row, event, key) ?? undefined
      if (next !== undefined) checkRow(next)
      if (!sameRow(row, next)) this.#set(key, next)
      return folded
    } catch (error) {
      return { ok: false, error }
    }
  }

  step(): void {
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
  }

  #set(key: string, row: unknown): void {
    if (row === undefined) this.#store.delete(key)
    else this.#store.put(key, row)
    this.#touched.add(key)
  }
}
