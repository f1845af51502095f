import type { ForeignJoinNode } from '../plan/nodes.ts'
import { checkOutside } from '../state/plain-data.ts'
import type { StateStore } from '../state/store.ts'
import { type Subscription, subscriptionKey } from './foreign-subscribe.ts'
import type { Marks } from './marks.ts'
import {
  beforeAndAfter,
  checkMessage,
  type Delta,
  type Message,
  note,
  type OperatorContext,
  type Receiver,
  type TableOperator,
} from './operator.ts'

/**
 * Foreign-key join, last of three steps, in the left row's task: takes in the answers to the row's current
 * subscription (a late answer to an older one can't win) and says how the joined rows changed.
 */
export class ForeignJoin implements TableOperator, Receiver {
  readonly delta: Delta = new Map()
  readonly marks: Marks
  readonly #node: ForeignJoinNode
  readonly #left: TableOperator
  readonly #store: StateStore
  readonly #inbox: Message[] = []

  constructor(node: ForeignJoinNode, context: OperatorContext, left: TableOperator, store: StateStore) {
    this.#node = node
    this.marks = context.marks('row')
    this.#left = left
    this.#store = store
  }

  /** `[pk, seq, the right row or null]` */
  receive(message: Message): void {
    const [pk, seq, right] = message
    checkMessage('answer', typeof pk === 'string' && typeof seq === 'number' && right !== undefined)
    this.#inbox.push(message)
  }

  step(): void {
    const answered = new Set<string>()
    for (const [pk, seq, right] of this.#inbox as unknown as [string, number, unknown][]) {
      const subscription = this.#subscriptionOf(pk, 'now')
      if (subscription?.seq !== seq) continue
      const { fk } = subscription
      this.#store.put(subscriptionKey(pk), right === null ? { fk, seq } : { fk, seq, right })
      answered.add(pk)
    }
    for (const pk of this.#left.delta.keys()) this.#emit(pk)
    for (const pk of answered) if (!this.#left.delta.has(pk)) this.#emit(pk)
    for (const pk of this.marks.retried) if (!this.#left.delta.has(pk) && !answered.has(pk)) this.#emit(pk)
  }

  get(pk: string): unknown {
    const sides = this.#sidesOf(this.#subscriptionOf(pk, 'now'), this.#left.get(pk))
    return sides && this.marks.get(pk, () => this.#row(sides, pk))
  }

  keys(): Iterable<string> {
    return this.#left.keys()
  }

  reset(): void {
    this.delta.clear()
    this.#inbox.length = 0
    this.marks.reset()
  }

  #emit(pk: string): void {
    const left = beforeAndAfter(this.#left, pk)
    const old = this.#sidesOf(this.#subscriptionOf(pk, 'before'), left.old)
    const now = this.#sidesOf(this.#subscriptionOf(pk, 'now'), left.new)
    const was = old && this.marks.before(pk, () => this.#row(old, pk))
    if (!now) this.marks.clear(pk)
    note(this.delta, pk, was, now && this.marks.now(pk, () => this.#row(now, pk)))
  }

  #subscriptionOf(pk: string, when: 'before' | 'now'): Subscription | undefined {
    const key = subscriptionKey(pk)
    return (when === 'now' ? this.#store.get(key) : this.#store.before(key)) as Subscription | undefined
  }

  /** What is joined, or undefined where there is no row. */
  #sidesOf(subscription: Subscription | undefined, current: unknown): Sides | undefined {
    if (!subscription || current === undefined) return undefined
    const left = subscription.waits ? subscription.shown : current
    if (left === undefined) return undefined
    if (subscription.right === undefined && this.#node.join === 'inner') return undefined
    return { left, right: subscription.right }
  }

  #row({ left, right }: Sides, pk: string): unknown {
    return checkOutside(this.#node.select(left, right, pk))
  }
}

interface Sides {
  readonly left: unknown
  readonly right: unknown
}
