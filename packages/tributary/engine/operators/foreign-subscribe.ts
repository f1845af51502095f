import { keyText } from '#contracts/key'
import type { ForeignJoinNode } from '../plan/nodes.ts'
import { SEPARATOR } from '../state/keys.ts'
import { checkKey, checkRow } from '../state/plain-data.ts'
import type { StateStore } from '../state/store.ts'
import type { Marks } from './marks.ts'
import type { Operator, OperatorContext, TableOperator } from './operator.ts'

/**
 * What the left task knows of one left row in a foreign-key join. Kept by the subscribing half, completed by the
 * answering half.
 */
export interface Subscription {
  /** The right key it is subscribed to; null where the row names none. */
  readonly fk: string | null
  /** Number of the subscription: an answer to any other one is stale. */
  readonly seq: number
  /** The right row of the last answer. */
  readonly right?: unknown
  /** The first answer to this subscription is still to come. */
  readonly waits?: true
  /** The left row that stays shown, with `right`, until that answer comes. */
  readonly shown?: unknown
}

const SEQ = `${SEPARATOR}seq`
const ESCAPE = '\u0001'

/** Where a left row's subscription is kept: beside the counter, whatever the row's key. */
export const subscriptionKey = (pk: string) => (pk.startsWith(SEPARATOR) || pk.startsWith(ESCAPE) ? ESCAPE + pk : pk)

/**
 * Foreign-key join, first of three steps, in the left row's task.
 *
 * A left row subscribes to the right key it names, and says so to the task where that key lives. The sequence number
 * comes from a counter of this task that only grows, also across restarts and across delete and re-insert of a row,
 * and moves only when a subscription is sent. So the row's own changes never wait for anybody, and an answer is
 * current exactly when it carries the row's number.
 *
 * While the first answer to a subscription is under way, the row stays shown as it was before (or not at all). A row
 * that names another key again while it waits is shown at once without a right side: one that changes faster than
 * the round trip must not stay behind for ever.
 */
export class ForeignSubscribe implements Operator {
  readonly #node: ForeignJoinNode
  readonly #context: OperatorContext
  readonly #left: TableOperator
  readonly #partitionOf: (key: string) => number
  readonly store: StateStore
  readonly marks: Marks

  constructor(
    node: ForeignJoinNode,
    context: OperatorContext,
    left: TableOperator,
    partitionOf: (key: string) => number,
  ) {
    this.#node = node
    this.#context = context
    this.#left = left
    this.#partitionOf = partitionOf
    this.store = context.openStore(`${node.name}.left`)
    this.marks = context.marks('on')
  }

  step(): void {
    for (const [pk, change] of this.#left.delta) this.#follow(pk, change.old, change.new)
    for (const pk of this.marks.retried) {
      if (this.#left.delta.has(pk)) continue
      const row = this.#left.get(pk)
      this.#follow(pk, row, row)
    }
  }

  reset(): void {
    this.marks.reset()
  }

  #follow(pk: string, old: unknown, row: unknown): void {
    const key = subscriptionKey(pk)
    const was = this.store.get(key) as Subscription | undefined
    const fk = this.#foreignKeyOf(pk, row)
    if (fk === undefined) {
      if (!was) return
      this.#unsubscribe(was, pk)
      this.store.delete(key)
    } else if (!was || was.fk !== fk) {
      this.#unsubscribe(was, pk)
      this.store.put(key, fk === null ? { fk, seq: 0 } : this.#subscribe(pk, fk, was, old))
    }
  }

  /** Undefined: there is no row, or the author's function threw for it, which comes to the same. */
  #foreignKeyOf(pk: string, row: unknown): string | null | undefined {
    if (row === undefined) {
      this.marks.clear(pk)
      return undefined
    }
    const named = this.marks.now(pk, () => {
      const named = this.#node.on(row) ?? null
      if (named === null) return { fk: null }
      return { fk: checkKey(keyText(named), `the foreign key of "${this.#node.name}"`) }
    })
    return named?.fk
  }

  #subscribe(pk: string, fk: string, was: Subscription | undefined, shown: unknown): Subscription {
    const seq = ((this.store.get(SEQ) as number | undefined) ?? 0) + 1
    this.store.put(SEQ, seq)
    this.#context.send('lookup', this.#partitionOf(fk), [fk, pk, this.#context.partition, seq])
    if (!was) return { fk, seq, waits: true }
    if (was.waits || !canBeKept([was.right ?? null, shown])) return { fk, seq }
    return { fk, seq, waits: true, right: was.right, shown }
  }

  #unsubscribe(was: Subscription | undefined, pk: string): void {
    if (was && was.fk !== null) this.#context.send('lookup', this.#partitionOf(was.fk), [was.fk, pk])
  }
}

/** Shown rows are a nicety: one that can't be kept is shown at once without a right side. */
function canBeKept(rows: unknown): boolean {
  try {
    checkRow(rows)
    return true
  } catch {
    return false
  }
}
