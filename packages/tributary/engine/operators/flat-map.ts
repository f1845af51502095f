import type { FlatMapNode } from '../plan/nodes.ts'
import { pairOf, partsOf } from '../state/keys.ts'
import { checkKey, checkOutside } from '../state/plain-data.ts'
import type { Marks } from './marks.ts'
import { type Delta, note, type OperatorContext, type TableOperator } from './operator.ts'

type Family = ReadonlyMap<string, unknown>
const none: Family = new Map()

/**
 * Many rows of one. No state: the old row's children are worked out again and compared with the new one's.
 * A child's key is the pair of its parent's key and its own, so a child is found through its parent.
 */
export class FlatMap implements TableOperator {
  readonly delta: Delta = new Map()
  /** By the parents' keys: a family fails as a whole. */
  readonly marks: Marks
  readonly #node: FlatMapNode
  readonly #input: TableOperator

  constructor(node: FlatMapNode, context: OperatorContext, input: TableOperator) {
    this.#node = node
    this.#input = input
    this.marks = context.marks('row')
  }

  step(): void {
    for (const [parent, change] of this.#input.delta) this.#emit(parent, change.old, change.new)
    for (const parent of this.marks.retried) {
      if (this.#input.delta.has(parent)) continue
      const row = this.#input.get(parent)
      this.#emit(parent, row, row)
    }
  }

  get(key: string): unknown {
    const [parent] = partsOf(key)
    const row = this.#input.get(parent)
    if (row === undefined) return undefined
    return this.marks.get(parent, () => this.#childrenOf(parent, row))?.get(key)
  }

  *keys(): Iterable<string> {
    for (const parent of this.#input.keys()) {
      const row = this.#input.get(parent)
      if (row !== undefined) yield* this.marks.get(parent, () => this.#childrenOf(parent, row))?.keys() ?? []
    }
  }

  reset(): void {
    this.delta.clear()
    this.marks.reset()
  }

  #emit(parent: string, was: unknown, is: unknown): void {
    const old = was === undefined ? none : (this.marks.before(parent, () => this.#childrenOf(parent, was)) ?? none)
    if (is === undefined) this.marks.clear(parent)
    const now = is === undefined ? none : (this.marks.now(parent, () => this.#childrenOf(parent, is)) ?? none)
    for (const [key, row] of old) note(this.delta, key, row, now.get(key))
    for (const [key, row] of now) if (!old.has(key)) note(this.delta, key, undefined, row)
  }

  #childrenOf(parent: string, row: unknown): Family {
    const { name, children: childrenOf, by } = this.#node
    const children = new Map<string, unknown>()
    let place = 0
    for (const child of childrenOf(row, parent)) {
      const own = textOf(by ? by(child) : place)
      place++
      const key = pairOf(parent, checkKey(own, `flatMap "${name}"`))
      if (children.has(key)) throw new Error(`flatMap "${name}" gave the key "${own}" twice for one row`)
      children.set(key, checkOutside(child))
    }
    return children
  }
}

/** What `by` gives, a whole or broken number as its text; anything else is left for `checkKey` to refuse. */
function textOf(own: unknown): unknown {
  return typeof own === 'number' && Number.isFinite(own) ? String(own) : own
}
