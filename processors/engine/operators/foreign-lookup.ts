import type { ForeignJoinNode } from '../plan/nodes.ts'
import { SEPARATOR, type StateStore } from '../state/store.ts'
import type { Message, Operator, OperatorContext, Receiver, TableOperator } from './operator.ts'

/**
 * Foreign-key join, second of three steps, in the right row's task. Holds who subscribed to which right key, and
 * answers to the left row's own task: a new subscriber at once, every subscriber when the right row changes.
 * Messages of one left row come in order, since one task sends them; so the last one is what holds.
 */
export class ForeignLookup implements Operator, Receiver {
  readonly #context: OperatorContext
  readonly #right: TableOperator
  /** `<fk><SEPARATOR><pk>` → [the left row's partition, seq] */
  readonly #store: StateStore
  readonly #inbox: Message[] = []

  constructor(node: ForeignJoinNode, context: OperatorContext, right: TableOperator) {
    this.#context = context
    this.#right = right
    this.#store = context.openStore(`${node.name}.subscriptions`, { scannable: true })
  }

  /** `[fk, pk, partition, seq]` subscribes, `[fk, pk]` takes it back. */
  receive(message: Message): void {
    this.#inbox.push(message)
  }

  step(): void {
    const asking = new Set<string>()
    for (const [fk, pk, partition, seq] of this.#inbox as unknown as [string, string, number?, number?][]) {
      const key = fk + SEPARATOR + pk
      if (partition === undefined) {
        this.#store.delete(key)
        asking.delete(key)
      } else {
        this.#store.put(key, [partition, seq])
        asking.add(key)
      }
    }
    for (const key of asking) {
      const fk = key.slice(0, key.indexOf(SEPARATOR))
      if (!this.#right.delta.has(fk)) this.#answer(fk, key, this.#right.get(fk))
    }
    for (const [fk, change] of this.#right.delta) {
      for (const key of this.#store.scan(fk)) this.#answer(fk, key, change.new)
    }
  }

  reset(): void {
    this.#inbox.length = 0
  }

  #answer(fk: string, key: string, right: unknown): void {
    const [partition, seq] = this.#store.get(key) as [number, number]
    this.#context.send('answer', partition, [key.slice(fk.length + 1), seq, right ?? null])
  }
}
