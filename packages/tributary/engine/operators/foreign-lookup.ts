import type { ForeignJoinNode } from '../plan/nodes.ts'
import { pairOf, partsOf } from '../state/keys.ts'
import { checkRow } from '../state/plain-data.ts'
import type { StateStore } from '../state/store.ts'
import type { Marks } from './marks.ts'
import {
  checkMessage,
  type Message,
  type Operator,
  type OperatorContext,
  type Receiver,
  type TableOperator,
} from './operator.ts'

/**
 * Foreign-key join, second of three steps, in the right row's task. Holds who subscribed to which right key, and
 * answers to the left row's own task: a new subscriber at once, every subscriber when the right row changes.
 * Messages of one left row come in order, since one task sends them; so the last one is what holds.
 */
export class ForeignLookup implements Operator, Receiver {
  /** By the right rows' keys: a row that fits no message can't be joined with. */
  readonly marks: Marks
  readonly #context: OperatorContext
  readonly #right: TableOperator
  /** The pair of right and left key → [the left row's partition, seq] */
  readonly #store: StateStore
  readonly #inbox: Message[] = []

  constructor(node: ForeignJoinNode, context: OperatorContext, right: TableOperator) {
    this.#context = context
    this.#right = right
    this.#store = context.openStore(`${node.name}.subscriptions`, { scannable: true })
    this.marks = context.marks('right')
  }

  /** `[fk, pk, partition, seq]` subscribes, `[fk, pk]` takes it back. */
  receive(message: Message): void {
    const [fk, pk, partition, seq] = message
    const numbers = [partition, seq].every((each) => partition === undefined || Number.isSafeInteger(each))
    checkMessage('lookup', typeof fk === 'string' && typeof pk === 'string' && numbers)
    this.#inbox.push(message)
  }

  step(): void {
    const asking = new Set<string>()
    for (const [fk, pk, partition, seq] of this.#inbox as unknown as [string, string, number?, number?][]) {
      const key = pairOf(fk, pk)
      if (partition === undefined) {
        this.#store.delete(key)
        asking.delete(key)
      } else {
        this.#store.put(key, [partition, seq])
        asking.add(key)
      }
    }
    for (const key of asking) {
      const [fk] = partsOf(key)
      if (!this.#right.delta.has(fk) && !this.marks.retried.has(fk)) this.#answer(key, this.#sendable(fk))
    }
    for (const fk of this.#right.delta.keys()) this.#answerAll(fk)
    for (const fk of this.marks.retried) if (!this.#right.delta.has(fk)) this.#answerAll(fk)
  }

  reset(): void {
    this.#inbox.length = 0
    this.marks.reset()
  }

  #answerAll(fk: string): void {
    const row = this.#sendable(fk)
    for (const key of this.#store.scan(fk)) this.#answer(key, row)
  }

  /** The right row, or undefined where there is none that fits a message. */
  #sendable(fk: string): unknown {
    const row = this.#right.get(fk)
    if (row !== undefined) return this.marks.now(fk, () => checkRow(row))
    this.marks.clear(fk)
    return undefined
  }

  #answer(key: string, right: unknown): void {
    const [partition, seq] = this.#store.get(key) as [number, number]
    this.#context.send('answer', partition, [partsOf(key)[1], seq, right ?? null])
  }
}
