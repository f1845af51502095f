import { SchemaNotRegistered } from '#contracts/errors'
import { compareTexts } from '../dsl/order.ts'
import type { SinkNode } from '../plan/nodes.ts'
import { pairOf, partsOf } from '../state/keys.ts'
import { checkKey, checkRow } from '../state/plain-data.ts'
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

/** A record for a rows topic; a null value is a tombstone. */
export interface Output {
  readonly sink: SinkNode
  readonly key: string
  readonly value: Buffer | null
}

/** A row's bytes in its topic. Throws for a row that doesn't fit the schema. */
export type Encode = (sink: SinkNode, row: unknown) => Buffer

/** How many rows of a task one epoch writes again, at most. */
export const MOST_REWRITTEN = 2_000

/** Bytes of a row in its topic at most; see `MOST_ROW_BYTES`. */
const MOST_VALUE_BYTES = 1_000_000

/**
 * The near half of a sink, where the rows are. A record is keyed by what `topic.key` reads off the row. Usually that is
 * the row's own key. Rows with another one may meet there: two that swap their output keys, or two that claim the same
 * one, in different tasks even. So they are sent, as claims, to the task that the output key belongs to.
 */
export class SinkSender implements Operator {
  readonly marks: Marks
  /** Rows of this task that changed and may be written under their own key; undefined: not (any more). */
  readonly own = new Map<string, unknown>()
  readonly #node: SinkNode
  readonly #context: OperatorContext
  readonly #input: TableOperator
  readonly #partitionOf: (key: string) => number
  /** Rows that claim another key than their own → that key. */
  readonly #claimed: StateStore

  constructor(node: SinkNode, context: OperatorContext, input: TableOperator, partitionOf: (key: string) => number) {
    this.#node = node
    this.#context = context
    this.#input = input
    this.#partitionOf = partitionOf
    this.#claimed = context.openStore(`${node.name}.claimed`)
    this.marks = context.marks('row')
  }

  step(): void {
    for (const [key, change] of this.#input.delta) this.#send(key, change.old !== undefined, change.new)
    for (const key of this.marks.retried) if (!this.#input.delta.has(key)) this.#send(key, false, this.#input.get(key))
  }

  /** The row that is written under its own key, if there is one of that key. */
  ownRow(key: string): unknown {
    const row = this.#input.get(key)
    return row !== undefined && this.marks.get(key, () => this.#outputKey(row)) === key ? row : undefined
  }

  /** The keys of the rows that may be written under their own key. */
  *keys(): Iterable<string> {
    for (const key of this.#input.keys()) if (this.#partitionOf(key) === this.#context.partition) yield key
  }

  reset(): void {
    this.own.clear()
    this.marks.reset()
  }

  #send(key: string, wasThere: boolean, row: unknown): void {
    const failed = this.marks.has(key)
    if (row === undefined) this.marks.clear(key)
    const target = row === undefined ? undefined : this.marks.now(key, () => this.#outputKey(row))
    const claimed = this.#claimed.get(key) as string | undefined
    if (target === key && this.#partitionOf(key) === this.#context.partition) {
      this.own.set(key, row)
      if (claimed !== undefined) this.#claimed.delete(key)
    } else {
      if (wasThere && !failed && claimed === undefined) this.own.set(key, undefined)
      if (target !== undefined) {
        this.#claimed.put(key, target)
        this.#context.send('claims', this.#partitionOf(target), [target, key, row])
      } else if (claimed !== undefined) this.#claimed.delete(key)
    }
    if (claimed !== undefined && claimed !== target) {
      this.#context.send('claims', this.#partitionOf(claimed), [claimed, key])
    }
  }

  #outputKey(row: unknown): string {
    checkRow(row)
    const key = checkKey(this.#node.topic.key(row), `the key of topic "${this.#node.topic.name}"`)
    if (key.isWellFormed()) return key
    throw new Error(`the key ${JSON.stringify(key)} holds half a surrogate pair, which no record key can`)
  }
}

/**
 * The far half of a sink, where the output key belongs: writes one record per output key and epoch, the row that it
 * comes to in the end. Of several rows that claim one key the one whose own key it is stands, else the one with the
 * least key (by code point); the others are failures until it is theirs.
 */
export class Sink implements Operator, Receiver {
  /** Of rows that are written under their own key. */
  readonly marks: Marks
  readonly #node: SinkNode
  readonly #near: SinkSender
  readonly #context: OperatorContext
  readonly #write: (output: Output) => void
  readonly #encode: Encode
  /** The pair of an output key and the key of a row that claims it → the row. */
  readonly #claims: StateStore
  readonly #inbox: Message[] = []
  /** The keys of the topic that are still to be written again. */
  #again: Iterator<string> | undefined

  constructor(
    node: SinkNode,
    context: OperatorContext,
    near: SinkSender,
    encode: Encode,
    write: (output: Output) => void,
  ) {
    this.#node = node
    this.#context = context
    this.#near = near
    this.#encode = encode
    this.#write = write
    this.#claims = context.openStore(`${node.name}.claims`, { scannable: true })
    this.marks = context.marks('record')
  }

  /** `[output key, the row's key, row]` claims, `[output key, the row's key]` takes it back. */
  receive(message: Message): void {
    const [target, key] = message
    checkMessage('claims', typeof target === 'string' && typeof key === 'string')
    this.#inbox.push(message)
  }

  /**
   * Writes every current row again, some in each epoch from the next one on, or stops doing so. Rows that change meanwhile
   * are written as ever, so the topic comes to the table in any case.
   */
  rewrite(wanted: boolean): void {
    this.#again = wanted ? this.#targets() : undefined
  }

  /** Whether rows are still to be written again. */
  get rewriting(): boolean {
    return this.#again !== undefined
  }

  step(): void {
    const contested = new Set<string>()
    for (const [target, key, row] of this.#inbox as unknown as [string, string, unknown?][]) {
      contested.add(target)
      if (row !== undefined) this.#claims.put(pairOf(target, key), row)
      else {
        this.#claims.delete(pairOf(target, key))
        this.#marksOf(target).clear(key)
      }
    }
    const again = this.#nextAgain()
    const alone = this.#claims.size === 0 && contested.size === 0 && again.size === 0
    for (const [key, row] of this.#near.own) {
      if (alone) this.#emit(key, key, row, this.marks)
      else contested.add(key)
    }
    for (const target of contested) this.#settle(target)
    for (const target of again) if (!contested.has(target)) this.#settle(target, { again: true })
  }

  reset(): void {
    this.#inbox.length = 0
    this.marks.reset()
  }

  *#targets(): Generator<string> {
    yield* this.#near.keys()
    for (const pair of this.#claims.keys()) yield partsOf(pair)[0]
  }

  #nextAgain(): ReadonlySet<string> {
    const again = new Set<string>()
    while (this.#again && again.size < MOST_REWRITTEN) {
      const { value, done } = this.#again.next()
      if (done) this.#again = undefined
      else again.add(value)
    }
    return again
  }

  /** Writes what a key comes to; `again`: where nothing changed, and of what isn't there nothing needs to be said. */
  #settle(target: string, { again = false } = {}): void {
    const { own } = this.#near
    let row = own.has(target) ? own.get(target) : this.#near.ownRow(target)
    let winner = target
    const claims = Array.from(this.#claims.scan(target), (pair) => partsOf(pair)[1]).sort(compareTexts)
    if (row === undefined && claims.length > 0) {
      winner = claims.shift()!
      row = this.#claims.get(pairOf(target, winner))
    }
    const marks = this.#marksOf(target)
    const winners = winner === target ? this.marks : marks
    if (again && (row === undefined || winners.has(winner))) return
    this.#emit(target, winner, row, winners)
    for (const loser of claims) {
      if (marks.has(loser)) continue
      const message =
        `rows "${winner}" and "${loser}" have the same key "${target}" in topic "${this.#node.topic.name}": ` +
        `"${winner}" is written`
      marks.fail(loser, new Error(message))
    }
  }

  /** Marks of the rows that claim a key. */
  #marksOf(target: string): Marks {
    return this.#context.marks(`as ${target}`)
  }

  /** Writes a row, or a tombstone where there is none or where it can't be written: gone rather than stale. */
  #emit(target: string, key: string, row: unknown, marks: Marks): void {
    let value: Buffer | null = null
    if (row === undefined) marks.clear(key)
    else {
      try {
        value = this.#encode(this.#node, row)
        if (value.length > MOST_VALUE_BYTES)
          throw new Error(`the row has ${value.length} bytes, more than a record may`)
        marks.clear(key)
      } catch (error) {
        if (error instanceof SchemaNotRegistered) throw error
        value = null
        marks.fail(key, error, 'invalid-row')
      }
    }
    this.#write({ sink: this.#node, key: target, value })
  }
}
