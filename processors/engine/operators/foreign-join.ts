import type { ForeignJoinNode } from '../plan/nodes.ts'
import type { StateStore } from '../state/store.ts'
import type { Subscription } from './foreign-subscribe.ts'
import {
  attempt,
  beforeAndAfter,
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
  readonly #node: ForeignJoinNode
  readonly #context: OperatorContext
  readonly #left: TableOperator
  readonly #store: StateStore
  readonly #inbox: Message[] = []

  constructor(node: ForeignJoinNode, context: OperatorContext, left: TableOperator, store: StateStore) {
    this.#node = node
    this.#context = context
    this.#left = left
    this.#store = store
  }

  /** `[pk, seq, the right row or null]` */
  receive(message: Message): void {
    this.#inbox.push(message)
  }

  step(): void {
    const answered = new Set<string>()
    for (const [pk, seq, right] of this.#inbox as unknown as [string, number, unknown][]) {
      const subscription = this.#store.get(pk) as Subscription | undefined
      if (subscription?.seq !== seq) continue
      const { fk } = subscription
      this.#store.put(pk, right === null ? { fk, seq } : { fk, seq, right })
      answered.add(pk)
    }
    for (const pk of this.#left.delta.keys()) this.#emit(pk)
    for (const pk of answered) if (!this.#left.delta.has(pk)) this.#emit(pk)
  }

  get(pk: string): unknown {
    return this.#row(pk, this.#store.get(pk) as Subscription | undefined, this.#left.get(pk), false)
  }

  reset(): void {
    this.delta.clear()
    this.#inbox.length = 0
  }

  #emit(pk: string): void {
    const left = beforeAndAfter(this.#left, pk)
    const old = this.#row(pk, this.#store.before(pk) as Subscription | undefined, left.old, false)
    const now = this.#row(pk, this.#store.get(pk) as Subscription | undefined, left.new, true)
    note(this.delta, pk, old, now)
  }

  #row(pk: string, subscription: Subscription | undefined, current: unknown, report: boolean): unknown {
    if (!subscription || current === undefined) return undefined
    const left = subscription.waits ? subscription.shown : current
    if (left === undefined) return undefined
    if (subscription.right === undefined && this.#node.join === 'inner') return undefined
    return attempt(this.#context, pk, report, () => this.#node.select(left, subscription.right, pk))
  }
}
