import { keyText } from '#contracts/key'
import { compareTexts } from '../dsl/order.ts'
import type { SummariseNode } from '../plan/nodes.ts'
import { pairOf, partsOf } from '../state/keys.ts'
import type { StateStore } from '../state/store.ts'
import type { GroupState } from './group-state.ts'
import type { OperatorContext } from './operator.ts'

/** Where the figures of one group are kept. */
export interface Slot {
  /** The group's key. */
  readonly group: string
  /** The text of its parts; empty where it has none, or where nobody else has its key. */
  readonly parts: string
  readonly store: StateStore
  readonly key: string
}

/**
 * Where the figures of groups are kept: under their keys. Where the author says how a key is written, two groups may
 * have the same one; then whoever came second is kept in a second store, under the pair of the key and its parts' text,
 * until it has no rows any more. So what is kept of a group that is alone doesn't depend on that.
 */
export class GroupSlots {
  readonly #store: StateStore
  /** The pair of a key and the text of a group's parts → its figures. Undefined: different groups have different keys. */
  readonly #others: StateStore | undefined
  /** The slots that this epoch gave out, by the pair of key and parts. */
  readonly #given = new Map<string, Slot>()
  /** Whose parts have the place under a key since this epoch. */
  readonly #taken = new Map<string, string>()

  constructor(node: SummariseNode, context: OperatorContext) {
    this.#store = context.openStore(node.name)
    if (node.group !== 'parent' && node.key !== keyText) {
      this.#others = context.openStore(`${node.name}.others`, { scannable: true })
    }
  }

  /** The slot of a group, the same one throughout an epoch. */
  of(group: string, parts: object | undefined): Slot {
    const text = this.#others && parts ? JSON.stringify(parts) : ''
    const id = pairOf(group, text)
    const given = this.#given.get(id)
    if (given) return given
    const isOthers = this.#isOthers(group, text)
    const slot = { group, parts: text, store: isOthers ? this.#others! : this.#store, key: isOthers ? id : group }
    this.#given.set(id, slot)
    if (!isOthers) this.#taken.set(group, text)
    return slot
  }

  /** The groups of a key that have rows, the one with the least parts first. */
  withRows(group: string, when: 'now' | 'before'): readonly Slot[] {
    const first = this.#slotIn(this.#store, group, group, when)
    const slots = first ? [first] : []
    if (!this.#others) return slots
    for (const pair of this.#others.scan(group, when)) {
      const other = this.#slotIn(this.#others, group, pair, when)
      if (other) slots.push(other)
    }
    return slots.length > 1 ? slots.sort((a, b) => compareTexts(a.parts, b.parts)) : slots
  }

  /** The keys of all groups of the last commit. */
  *keys(): Iterable<string> {
    yield* this.#store.keys()
    for (const pair of this.#others?.keys() ?? []) yield partsOf(pair)[0]
  }

  /** Forgets the epoch. */
  reset(): void {
    this.#given.clear()
    this.#taken.clear()
  }

  /** Whether another group has the place under the key itself, or this one is in the second store already. */
  #isOthers(group: string, text: string): boolean {
    if (!this.#others || text === '') return false
    if (this.#others.get(pairOf(group, text)) !== undefined) return true
    const taken = this.#taken.get(group)
    if (taken !== undefined) return taken !== text
    const first = this.#store.get(group) as GroupState | undefined
    return first?.parts !== undefined && JSON.stringify(first.parts) !== text
  }

  #slotIn(store: StateStore, group: string, key: string, when: 'now' | 'before'): Slot | undefined {
    const state = (when === 'now' ? store.get(key) : store.before(key)) as GroupState | undefined
    if (!state || state.n <= 0) return undefined
    return { group, parts: this.#others && state.parts ? JSON.stringify(state.parts) : '', store, key }
  }
}
