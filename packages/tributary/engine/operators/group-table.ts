import type { AggregatePlan } from '../dsl/aggregates.ts'
import type { SummariseNode } from '../plan/nodes.ts'
import { pairOf, partsOf } from '../state/keys.ts'
import { checkOutside } from '../state/plain-data.ts'
import type { StateStore } from '../state/store.ts'
import { columnKey, extremeOf, Figures } from './group-figures.ts'
import { GroupSlots, type Slot } from './group-slots.ts'
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
 *
 * Of several groups that are written as the same key the one with the least parts (by their text) stands; the others
 * are failures until the key is theirs.
 */
export class GroupTable implements TableOperator, Receiver {
  readonly delta: Delta = new Map()
  readonly marks: Marks
  readonly #name: string
  readonly #aggregates: AggregatePlan
  readonly #slots: GroupSlots
  /** The pair of a wide column (`columnKey`) and a value's JSON text → how often it is there. */
  readonly #values: StateStore
  readonly #context: OperatorContext
  readonly #inbox: Message[] = []

  constructor(node: SummariseNode, context: OperatorContext) {
    this.#name = node.name
    this.#aggregates = node.aggregates
    this.#context = context
    this.#slots = new GroupSlots(node, context)
    this.#values = context.openStore(`${node.name}.values`, { scannable: true })
    this.marks = context.marks('group')
  }

  receive(message: Message): void {
    const [group, part] = message
    checkMessage('groups', typeof group === 'string' && isGroupPart(part))
    this.#inbox.push(message)
  }

  step(): void {
    const touched = new Map<Slot, GroupState>()
    const groups = new Set<string>()
    for (const [group, part] of this.#inbox as unknown as [string, GroupPart][]) {
      groups.add(group)
      const slot = this.#slots.of(group, part.parts)
      let state = touched.get(slot)
      if (!state) {
        state = copyOf(slot.store.get(slot.key) as GroupState | undefined, this.#aggregates)
        touched.set(slot, state)
      }
      this.#merge(slot, state, part)
    }
    for (const [slot, state] of touched) {
      this.#fit(slot, state)
      if (isNothing(state)) slot.store.delete(slot.key)
      else slot.store.put(slot.key, state)
      if (state.n <= 0) this.#marksOf(slot).clear(slot.group)
    }
    for (const group of this.marks.retried) groups.add(group)
    for (const group of groups) this.#emit(group)
  }

  get(group: string): unknown {
    const [stands] = this.#slots.withRows(group, 'now')
    return stands && this.marks.get(group, () => this.#row(stands, 'now'))
  }

  keys(): Iterable<string> {
    return this.#slots.keys()
  }

  reset(): void {
    this.delta.clear()
    this.#inbox.length = 0
    this.#slots.reset()
    this.marks.reset()
  }

  #emit(group: string): void {
    const [before] = this.#slots.withRows(group, 'before')
    const [now, ...others] = this.#slots.withRows(group, 'now')
    const was = before && this.marks.before(group, () => this.#row(before, 'before'))
    if (!now) this.marks.clear(group)
    note(this.delta, group, was, now && this.marks.now(group, () => this.#row(now, 'now')))
    if (now) this.#marksOf(now).clear(group)
    for (const other of others) {
      const marks = this.#marksOf(other)
      if (marks.has(group)) continue
      const message =
        `groups ${now!.parts} and ${other.parts} of summary "${this.#name}" are both written as the key "${group}": ` +
        `the first one is in the table. Let "key" write different groups differently`
      marks.fail(group, new Error(message))
    }
  }

  /** Marks of a group that has no row while another one of the same key has. */
  #marksOf(slot: Slot): Marks {
    return this.#context.marks(`as ${slot.parts}`)
  }

  #row(slot: Slot, when: 'before' | 'now'): unknown {
    const state = (when === 'now' ? slot.store.get(slot.key) : slot.store.before(slot.key)) as GroupState
    const figures = this.#aggregates.finish(new Figures(this.#name, slot, state, this.#values, when))
    return checkOutside(state.parts ? { ...state.parts, ...figures } : figures)
  }

  #merge(slot: Slot, state: GroupState, part: GroupPart): void {
    state.n += part.n
    if (part.parts) state.parts = part.parts
    for (let i = 0; i < part.sums.length; i++) state.sums[i] = add(state.sums[i] ?? 0, part.sums[i]!)
    for (let i = 0; i < part.sets.length; i++) {
      const set = state.sets[i]!
      const added = part.sets[i]!
      if (isWide(set)) this.#mergeWide(slot, i, set, added)
      else for (const text in added) addTo(set, text, added[text]!)
    }
  }

  #mergeWide(slot: Slot, column: number, set: WideSet, added: Values): void {
    const first = columnKey(slot, column)
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
  #fit(slot: Slot, state: GroupState): void {
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
      this.#mergeWide(slot, column, wide, set)
    }
  }
}

function copyOf(state: GroupState | undefined, aggregates: AggregatePlan): GroupState {
  if (!state) return { n: 0, sums: aggregates.sums.map(() => 0), sets: aggregates.sets.map(() => ({})) }
  return { ...state, sums: [...state.sums], sets: state.sets.map((set) => ({ ...set })) }
}
