import type { GroupFigures } from '../dsl/aggregates.ts'
import { compare, type SortKey } from '../dsl/order.ts'
import { EngineError } from '../errors.ts'
import { partsOf } from '../state/keys.ts'
import type { StateStore } from '../state/store.ts'
import type { Slot } from './group-slots.ts'
import { type GroupState, isWide, type Values, type WideSet } from './group-state.ts'

/** A group's figures as they are, or as they were before the epoch. */
export class Figures implements GroupFigures {
  readonly n: number
  readonly #summary: string
  readonly #slot: Slot
  readonly #state: GroupState
  readonly #values: StateStore
  readonly #when: 'before' | 'now'

  constructor(summary: string, slot: Slot, state: GroupState, values: StateStore, when: 'before' | 'now') {
    this.n = state.n
    this.#summary = summary
    this.#slot = slot
    this.#state = state
    this.#values = values
    this.#when = when
  }

  total(column: number): number {
    return Number(this.#state.sums[column] ?? 0)
  }

  sum(column: number): number {
    const sum = this.#state.sums[column] ?? 0
    if (typeof sum === 'number') return sum
    throw new EngineError(
      'SUM_TOO_LARGE',
      `summary "${this.#summary}": a sum of ${sum} in group "${this.#slot.group}" is beyond ±(2^53 − 1), up to which ` +
        'numbers are exact',
    )
  }

  values(column: number): Iterable<readonly [text: string, count: number]> {
    const set = this.#setOf(column)
    return isWide(set) ? this.#scan(column) : Object.entries(set)
  }

  distinct(column: number): number {
    const set = this.#setOf(column)
    return isWide(set) ? set.wide : Object.keys(set).length
  }

  extreme(column: number, sign: 1 | -1): string | undefined {
    const set = this.#setOf(column)
    if (isWide(set)) return sign < 0 ? set.least : set.greatest
    return extremeOf(Object.keys(set), sign)
  }

  #setOf(column: number): Values | WideSet {
    return this.#state.sets[column] ?? {}
  }

  *#scan(column: number): Iterable<readonly [text: string, count: number]> {
    for (const key of this.#values.scan(columnKey(this.#slot, column), this.#when)) {
      const count = this.#when === 'now' ? this.#values.get(key) : this.#values.before(key)
      yield [partsOf(key)[1], count as number]
    }
  }
}

/** The first part of the keys of a wide column's values; `slot` is that of its group. */
export const columnKey = (slot: Slot, column: number) => `${column}${slot.key === slot.group ? ':' : '!'}${slot.key}`

/** The text of the greatest (1) or the least (-1) of numbers and texts. */
export function extremeOf(texts: readonly string[], sign: 1 | -1): string | undefined {
  if (texts.length < 2) return texts[0]
  let best: { readonly text: string; readonly value: SortKey } | undefined
  for (const text of texts) {
    const value = JSON.parse(text) as SortKey
    if (!best || compare(value, best.value) * sign > 0) best = { text, value }
  }
  return best?.text
}
