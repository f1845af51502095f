import type { AggregatePlan, GroupFigures } from '../dsl/aggregates.ts'
import { compare, type SortKey } from '../dsl/order.ts'
import { EngineError } from '../errors.ts'
import type { SummariseNode } from '../plan/nodes.ts'
import { pairOf, partsOf } from '../state/keys.ts'
import { checkOutside } from '../state/plain-data.ts'
import type { StateStore } from '../state/store.ts'
import {
  add,
  addTo,
  type GroupPart,
  type GroupState,
  isGroupPart,
  isNothing,
  isWide,
  type Values,
  type WideSet,
} from './group-state.ts'
import type { Marks } from './marks.ts'
import {
  checkMessage,
  type Delta,
  type Message,
  note,
  type OperatorContext,
  type Receiver,
  type TableOperator,
} from './operator.ts'

/** Characters of values that stand in a group's own record at most, all its columns together. */
const MOST_INLINE_CHARACTERS = 64_000

/**
 * The far half of a group-by, where the group is: keeps the running figures and says how the group's row changed.
 *
 * A group's figures are one record, with its values, as long as these are few. A column of values that outgrows its
 * share becomes wide: from then on each value is an entry of a second store, so that no record grows with the group,
 * and a change writes one entry. Of a wide column the record keeps the number of values and the extremes, so that only
 * what is made of all values (`collect`, `distinct`, `top`) reads them all.
 */
export class GroupTable implements TableOperator, Receiver {
  readonly delta: Delta = new Map()
  readonly marks: Marks
  readonly #name: string
  readonly #aggregates: AggregatePlan
  readonly #store: StateStore
  /** The pair of a wide column (`columnKey`) and a value's JSON text → how often it is there. */
  readonly #values: StateStore
  readonly #inbox: Message[] = []

  constructor(node: SummariseNode, context: OperatorContext) {
    this.#name = node.name
    this.#aggregates = node.aggregates
    this.#store = context.openStore(node.name)
    this.#values = context.openStore(`${node.name}.values`, { scannable: true })
    this.marks = context.marks('group')
  }

  receive(message: Message): void {
    const [group, part] = message
    checkMessage('groups', typeof group === 'string' && isGroupPart(part))
    this.#inbox.push(message)
  }

  step(): void {
    const touched = new Map<string, GroupState>()
    for (const [group, part] of this.#inbox as unknown as [string, GroupPart][]) {
      let state = touched.get(group)
      if (!state) {
        state = copyOf(this.#store.get(group) as GroupState | undefined, this.#aggregates)
        touched.set(group, state)
      }
      this.#merge(group, state, part)
    }
    for (const [group, state] of touched) {
      this.#fit(group, state)
      if (isNothing(state)) this.#store.delete(group)
      else this.#store.put(group, state)
      this.#emit(group)
    }
    for (const group of this.marks.retried) if (!touched.has(group)) this.#emit(group)
  }

  get(group: string): unknown {
    const state = this.#stateOf(group, 'now')
    return state && this.marks.get(group, () => this.#row(group, state, 'now'))
  }

  keys(): Iterable<string> {
    return this.#store.keys()
  }

  reset(): void {
    this.delta.clear()
    this.#inbox.length = 0
    this.marks.reset()
  }

  #emit(group: string): void {
    const before = this.#stateOf(group, 'before')
    const now = this.#stateOf(group, 'now')
    const was = before && this.marks.before(group, () => this.#row(group, before, 'before'))
    if (!now) this.marks.clear(group)
    note(this.delta, group, was, now && this.marks.now(group, () => this.#row(group, now, 'now')))
  }

  /** The figures of a group that has rows. */
  #stateOf(group: string, when: 'before' | 'now'): GroupState | undefined {
    const state = (when === 'now' ? this.#store.get(group) : this.#store.before(group)) as GroupState | undefined
    return state && state.n > 0 ? state : undefined
  }

  #row(group: string, state: GroupState, when: 'before' | 'now'): unknown {
    const figures = this.#aggregates.finish(new Figures(this.#name, group, state, this.#values, when))
    return checkOutside(state.parts ? { ...state.parts, ...figures } : figures)
  }

  #merge(group: string, state: GroupState, part: GroupPart): void {
    state.n += part.n
    if (part.parts) state.parts = part.parts
    for (let i = 0; i < part.sums.length; i++) state.sums[i] = add(state.sums[i] ?? 0, part.sums[i]!)
    for (let i = 0; i < part.sets.length; i++) {
      const set = state.sets[i]!
      const added = part.sets[i]!
      if (isWide(set)) this.#mergeWide(group, i, set, added)
      else for (const text in added) addTo(set, text, added[text]!)
    }
  }

  #mergeWide(group: string, column: number, set: WideSet, added: Values): void {
    const first = columnKey(group, column)
    const ordered = this.#aggregates.extremes.has(column)
    let lost = false
    for (const text in added) {
      const key = pairOf(first, text)
      const was = (this.#values.get(key) as number | undefined) ?? 0
      const count = was + added[text]!
      if (count === 0) this.#values.delete(key)
      else this.#values.put(key, count)
      set.wide += Number(count !== 0) - Number(was !== 0)
      if (!ordered) continue
      if (was === 0) this.#stretch(set, [text])
      else if (count === 0) lost ||= text === set.least || text === set.greatest
    }
    if (!lost) return
    delete set.least
    delete set.greatest
    this.#stretch(
      set,
      Array.from(this.#values.scan(first), (key) => partsOf(key)[1]),
    )
  }

  /** Takes values into the extremes. */
  #stretch(set: WideSet, texts: readonly string[]): void {
    const least = extremeOf(set.least === undefined ? texts : [set.least, ...texts], -1)
    const greatest = extremeOf(set.greatest === undefined ? texts : [set.greatest, ...texts], 1)
    if (least !== undefined) set.least = least
    if (greatest !== undefined) set.greatest = greatest
  }

  /** Makes columns wide that are too large for the group's record, and ordinary ones of wide ones that are empty. */
  #fit(group: string, state: GroupState): void {
    if (state.sets.length === 0) return
    const most = MOST_INLINE_CHARACTERS / state.sets.length
    for (const [column, set] of state.sets.entries()) {
      if (isWide(set)) {
        if (set.wide === 0) state.sets[column] = {}
        continue
      }
      let characters = 0
      for (const text in set) characters += text.length + 8
      if (characters <= most) continue
      const wide: WideSet = { wide: 0 }
      state.sets[column] = wide
      this.#mergeWide(group, column, wide, set)
    }
  }
}

/** A group's figures as they are, or as they were before the epoch. */
class Figures implements GroupFigures {
  readonly n: number
  readonly #summary: string
  readonly #group: string
  readonly #state: GroupState
  readonly #values: StateStore
  readonly #when: 'before' | 'now'

  constructor(summary: string, group: string, state: GroupState, values: StateStore, when: 'before' | 'now') {
    this.n = state.n
    this.#summary = summary
    this.#group = group
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
      `summary "${this.#summary}": a sum of ${sum} in group "${this.#group}" is beyond ±(2^53 − 1), up to which ` +
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
    for (const key of this.#values.scan(columnKey(this.#group, column), this.#when)) {
      const count = this.#when === 'now' ? this.#values.get(key) : this.#values.before(key)
      yield [partsOf(key)[1], count as number]
    }
  }
}

const columnKey = (group: string, column: number) => `${column}:${group}`

/** The text of the greatest (1) or the least (-1) of numbers and texts. */
function extremeOf(texts: readonly string[], sign: 1 | -1): string | undefined {
  if (texts.length < 2) return texts[0]
  let best: { readonly text: string; readonly value: SortKey } | undefined
  for (const text of texts) {
    const value = JSON.parse(text) as SortKey
    if (!best || compare(value, best.value) * sign > 0) best = { text, value }
  }
  return best?.text
}

function copyOf(state: GroupState | undefined, aggregates: AggregatePlan): GroupState {
  if (!state) return { n: 0, sums: aggregates.sums.map(() => 0), sets: aggregates.sets.map(() => ({})) }
  return { ...state, sums: [...state.sums], sets: state.sets.map((set) => ({ ...set })) }
}
