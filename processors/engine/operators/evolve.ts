import type { EvolveNode } from '../plan/nodes.ts'
import { MOST_KEY_CHARACTERS } from '../state/keys.ts'
import { checkKey, checkRow, reasonOf } from '../state/plain-data.ts'
import type { StateStore } from '../state/store.ts'
import { type Delta, note, type OperatorContext, sameRow, type TableOperator } from './operator.ts'

/** What became of an event: folded in, or refused, with the reason. */
export type Folded = { readonly ok: true } | { readonly ok: false; readonly error: unknown }

const folded: Folded = { ok: true }

/**
 * Folds events into rows. An event is folded when it comes in; the step only says which rows changed by that.
 * When a handler throws, the key's row is removed and the key is marked: a row that lacks an event would be stale.
 * A marked key refuses its later events too, so that they can be replayed in order, until a tombstone clears it.
 */
export class Evolve implements TableOperator {
  readonly delta: Delta = new Map()
  readonly #node: EvolveNode
  readonly #store: StateStore
  readonly #marks: StateStore
  readonly #touched = new Set<string>()

  constructor(node: EvolveNode, context: OperatorContext) {
    this.#node = node
    this.#store = context.openStore(node.name)
    this.#marks = context.openStore(`${node.name}.marks`)
  }

  /** Takes in one event of the node's topic. `name` is its short name; a null event is a tombstone. */
  fold(key: string, name: string, event: unknown): Folded {
    if (event === null) {
      this.#set(key, undefined)
      if (this.#marks.get(key) !== undefined) this.#marks.delete(key)
      return folded
    }
    const handler = this.#node.handlers[name]
    if (!handler) return folded
    const mark = this.#marks.get(key)
    if (mark !== undefined) {
      return { ok: false, error: new Error(`an earlier event of this key failed in "${this.#node.name}": ${mark}`) }
    }
    const row = this.#store.get(key)
    try {
      checkKey(key, `a record of "${this.#node.topic.name}"`)
      const next = handler(row, event, key) ?? undefined
      if (next !== undefined) checkRow(next)
      if (!sameRow(row, next)) this.#set(key, next)
      return folded
    } catch (error) {
      this.#set(key, undefined)
      // A key that is too long never had a row.
      if (key.length <= MOST_KEY_CHARACTERS) this.#marks.put(key, `${name}: ${reasonOf(error).slice(0, 2_000)}`)
      return { ok: false, error }
    }
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

  #set(key: string, row: unknown): void {
    if (row === undefined) this.#store.delete(key)
    else this.#store.put(key, row)
    this.#touched.add(key)
  }
}
