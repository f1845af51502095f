import { keyText, orderedParts } from '#contracts/key'
import { EngineError } from '../errors.ts'
import type { SummariseNode } from '../plan/nodes.ts'
import { pairOf, partsOf } from '../state/keys.ts'
import { checkKey, checkRow } from '../state/plain-data.ts'
import { add, addTo, type GroupPart, isNothing, type Values } from './group-state.ts'
import type { Marks } from './marks.ts'
import type { Operator, OperatorContext, TableOperator } from './operator.ts'

/** Characters of values that one message carries at most, so that it fits a record whatever is escaped in them. */
const MOST_MESSAGE_CHARACTERS = 100_000
/** Bytes of one value's JSON text at most: it becomes the key of a record, and a text in a message. */
const MOST_VALUE_BYTES = 400_000

/** What one row means for its group. */
interface Contribution {
  readonly group: string
  /** The group's key, with its parts where another group may have the same. */
  readonly id: string
  /** Of a group that is a record. */
  readonly parts: object | undefined
  readonly target: number
  readonly sums: readonly number[]
  /** JSON texts. */
  readonly values: readonly (string | undefined)[]
}

interface Outgoing {
  readonly group: string
  readonly target: number
  readonly part: GroupPart
  /** Of the part's values. */
  characters: number
}

/**
 * The near half of a group-by, where the rows are. It adds up what an epoch's changes mean for each group (a change
 * takes the old row away and adds the new one), so that a hot group costs one message per epoch.
 */
export class GroupSender implements Operator {
  readonly marks: Marks
  readonly #node: SummariseNode
  readonly #context: OperatorContext
  readonly #input: TableOperator
  readonly #partitionOf: (key: string) => number
  readonly #outgoing = new Map<string, Outgoing>()

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
    this.marks = context.marks('row')
  }

  step(): void {
    for (const [key, change] of this.#input.delta) this.#change(key, change.old, change.new)
    for (const key of this.marks.retried) {
      if (this.#input.delta.has(key)) continue
      const row = this.#input.get(key)
      this.#change(key, row, row)
    }
    for (const { group, target, part, characters } of this.#outgoing.values()) {
      if (isNothing(part)) continue
      for (const each of characters > MOST_MESSAGE_CHARACTERS ? split(part) : [part]) {
        this.#context.send('groups', target, [group, each])
      }
    }
    this.#outgoing.clear()
  }

  reset(): void {
    this.marks.reset()
  }

  #change(key: string, old: unknown, now: unknown): void {
    if (old !== undefined)
      this.#count(
        this.marks.before(key, () => this.#contributionOf(old, key)),
        -1,
      )
    if (now !== undefined)
      this.#count(
        this.marks.now(key, () => this.#contributionOf(now, key)),
        1,
      )
    else this.marks.clear(key)
  }

  /** All of a row's columns are worked out before any is counted, so that a row counts wholly or not at all. */
  #contributionOf(row: unknown, key: string): Contribution | undefined {
    const { aggregates, group: groupOf, key: keyOf, name } = this.#node
    const named = groupOf === 'parent' ? partsOf(key)[0] : (groupOf(row) ?? undefined)
    if (named === undefined) return undefined
    // Ordered: values are told apart by their text, in which the order of a row's fields shows.
    const parts = typeof named === 'object' ? orderedParts(named) : undefined
    const group = checkKey(parts ? keyOf(parts as never) : keyText(named), `the group of summary "${name}"`)
    const sums = aggregates.sums.map((sum) => {
      const value = sum(row)
      if (Number.isSafeInteger(value)) return value
      throw new EngineError(
        'NOT_AN_INTEGER',
        `summary "${name}" was given ${String(value)} to sum: only whole numbers add up the same in any order`,
      )
    })
    const values = aggregates.sets.map((set, column) => {
      const value = set(row) ?? undefined
      return value === undefined ? undefined : this.#textOf(value, aggregates.extremes.has(column))
    })
    const id = parts && keyOf !== keyText ? pairOf(group, JSON.stringify(parts)) : group
    return { group, id, parts, target: this.#outgoing.get(id)?.target ?? this.#targetOf(group), sums, values }
  }

  #textOf(value: unknown, ordered: boolean): string {
    if (ordered && typeof value !== 'number' && typeof value !== 'string') {
      throw new EngineError('NOT_PLAIN_DATA', `summary "${this.#node.name}" takes the least of numbers and texts only`)
    }
    const text = JSON.stringify(checkRow(value))
    if (text.length * 3 > MOST_VALUE_BYTES && Buffer.byteLength(text) > MOST_VALUE_BYTES) {
      throw new EngineError(
        'ROW_TOO_LARGE',
        `summary "${this.#node.name}" was given a value of ${text.length} characters: make it smaller`,
      )
    }
    return text
  }

  #count(contribution: Contribution | undefined, sign: 1 | -1): void {
    if (!contribution) return
    const { group, id, parts, target, sums, values } = contribution
    let outgoing = this.#outgoing.get(id)
    if (!outgoing) {
      const part = { n: 0, ...(parts && { parts }), sums: sums.map(() => 0), sets: values.map(() => ({})) }
      outgoing = { group, target, part, characters: 0 }
      this.#outgoing.set(id, outgoing)
    }
    const { part } = outgoing
    part.n += sign
    for (let i = 0; i < sums.length; i++) part.sums[i] = add(part.sums[i]!, sign * sums[i]!)
    for (let i = 0; i < values.length; i++) {
      const text = values[i]
      if (text === undefined) continue
      addTo(part.sets[i]!, text, sign)
      outgoing.characters += text.length
    }
  }

  /** Children are where their parent is, so their groups are, too. */
  #targetOf(group: string): number {
    return this.#node.group === 'parent' ? this.#context.partition : this.#partitionOf(group)
  }
}

/** A part in several that come to the same, each with only so many characters of values. */
function* split(part: GroupPart): Iterable<GroupPart> {
  const { n, sums, sets, ...rest } = part
  const more = () => ({ ...rest, n: 0, sums: sums.map(() => 0), sets: sets.map((): Values => ({})) })
  let piece: GroupPart = { ...more(), n, sums: [...sums] }
  let characters = 0
  for (const [column, set] of sets.entries()) {
    for (const text in set) {
      if (characters > 0 && characters + text.length > MOST_MESSAGE_CHARACTERS) {
        yield piece
        piece = more()
        characters = 0
      }
      piece.sets[column]![text] = set[text]!
      characters += text.length
    }
  }
  yield piece
}
