import type { AggregatePlan, GroupState } from '../dsl/aggregates.ts'
import { EngineError } from '../errors.ts'
import type { SummariseNode } from '../plan/nodes.ts'
import type { StateStore } from '../state/store.ts'
import {
  attempt,
  type Delta,
  type Message,
  note,
  type Operator,
  type OperatorContext,
  type Receiver,
  type TableOperator,
} from './operator.ts'

/**
 * The near half of a group-by, where the rows are. It adds up what an epoch's changes mean for each group (a change
 * takes the old row away and adds the new one), so that a hot group costs one message per epoch.
 */
export class GroupSender implements Operator {
  readonly #node: SummariseNode
  readonly #context: OperatorContext
  readonly #input: TableOperator
  readonly #partitionOf: (key: string) => number

  constructor(
    node: SummariseNode,
    context: OperatorContext,
    input: TableOperator,
    partitionOf: (key: string) => number,
  ) {
    this.#node = node
    this.#context = context
    this.#input = input
    this.#partitionOf = partitionOf
  }

  step(): void {
    const groups = new Map<string, GroupState>()
    for (const [key, change] of this.#input.delta) {
      if (change.old !== undefined) this.#contribute(groups, key, change.old, -1, false)
      if (change.new !== undefined) this.#contribute(groups, key, change.new, 1, true)
    }
    for (const [group, part] of groups) {
      if (!isNothing(part)) this.#context.send('groups', this.#targetOf(group), [group, part])
    }
  }

  reset(): void {}

  /** All of a row's columns are worked out before any is counted, so that a row counts wholly or not at all. */
  #contribute(groups: Map<string, GroupState>, key: string, row: unknown, sign: 1 | -1, report: boolean): void {
    const { aggregates, group: groupOf, name } = this.#node
    const part = attempt(this.#context, key, report, () => {
      const group = groupOf(row) ?? undefined
      if (group === undefined) return undefined
      const sums = aggregates.sums.map((sum) => {
        const value = sum(row)
        if (Number.isSafeInteger(value)) return value
        throw new EngineError(
          'NOT_AN_INTEGER',
          `summary "${name}" was given ${value} to sum: only whole numbers add up the same in any order`,
        )
      })
      const values = aggregates.sets.map((set) => {
        const value = set(row) ?? undefined
        return value === undefined ? undefined : JSON.stringify(value)
      })
      return { group, sums, values }
    }) as { group: string; sums: number[]; values: (string | undefined)[] } | undefined
    if (!part) return

    let state = groups.get(part.group)
    if (!state) {
      state = emptyGroup(aggregates)
      groups.set(part.group, state)
    }
    state.n += sign
    for (let i = 0; i < part.sums.length; i++) state.sums[i] = state.sums[i]! + sign * part.sums[i]!
    for (let i = 0; i < part.values.length; i++) addTo(state.sets[i]!, part.values[i], sign)
  }

  #targetOf(group: string): number {
    const target = this.#partitionOf(group)
    if (this.#node.colocated && target !== this.#context.partition) {
      throw new EngineError(
        'NOT_COLOCATED',
        `summary "${this.#node.name}" is marked colocated, but group "${group}" belongs to partition ${target} and ` +
          `its rows are in partition ${this.#context.partition}: leave out \`colocated\``,
      )
    }
    return target
  }
}

/** The far half of a group-by, where the group is: keeps the running figures and says how the group's row changed. */
export class GroupTable implements TableOperator, Receiver {
  readonly delta: Delta = new Map()
  readonly #aggregates: AggregatePlan
  readonly #context: OperatorContext
  readonly #store: StateStore
  readonly #inbox: Message[] = []

  constructor(node: SummariseNode, context: OperatorContext) {
    this.#aggregates = node.aggregates
    this.#context = context
    this.#store = context.openStore(node.name)
  }

  receive(message: Message): void {
    this.#inbox.push(message)
  }

  step(): void {
    const touched = new Map<string, GroupState>()
    for (const [group, part] of this.#inbox as unknown as [string, GroupState][]) {
      let state = touched.get(group)
      if (!state) {
        state = copyOf(this.#store.get(group) as GroupState | undefined, this.#aggregates)
        touched.set(group, state)
      }
      merge(state, part)
    }
    for (const [group, state] of touched) {
      const before = this.#store.before(group) as GroupState | undefined
      if (isNothing(state)) this.#store.delete(group)
      else this.#store.put(group, state)
      note(this.delta, group, this.#row(group, before, false), this.#row(group, state, true))
    }
  }

  get(group: string): unknown {
    return this.#row(group, this.#store.get(group) as GroupState | undefined, false)
  }

  reset(): void {
    this.delta.clear()
    this.#inbox.length = 0
  }

  #row(group: string, state: GroupState | undefined, report: boolean): unknown {
    if (!state || state.n <= 0) return undefined
    return attempt(this.#context, group, report, () => this.#aggregates.finish(state))
  }
}

function emptyGroup(aggregates: AggregatePlan): GroupState {
  return { n: 0, sums: aggregates.sums.map(() => 0), sets: aggregates.sets.map(() => ({})) }
}

function copyOf(state: GroupState | undefined, aggregates: AggregatePlan): GroupState {
  if (!state) return emptyGroup(aggregates)
  return { n: state.n, sums: [...state.sums], sets: state.sets.map((set) => ({ ...set })) }
}

function merge(state: GroupState, part: GroupState): void {
  state.n += part.n
  for (let i = 0; i < part.sums.length; i++) state.sums[i] = (state.sums[i] ?? 0) + part.sums[i]!
  for (let i = 0; i < part.sets.length; i++) {
    const set = state.sets[i]!
    for (const text in part.sets[i]) addTo(set, text, part.sets[i]![text]!)
  }
}

/** Counts may be negative for a moment: what two tasks say of a group arrives in any order. */
function addTo(set: Record<string, number>, text: string | undefined, count: number): void {
  if (text === undefined) return
  const sum = (set[text] ?? 0) + count
  if (sum === 0) delete set[text]
  else set[text] = sum
}

function isNothing(state: GroupState): boolean {
  if (state.n !== 0) return false
  for (const sum of state.sums) if (sum !== 0) return false
  for (const set of state.sets) for (const _ in set) return false
  return true
}
