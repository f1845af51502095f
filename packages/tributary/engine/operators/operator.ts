import { EngineError } from '../errors.ts'
import type { OpenStore } from '../state/store.ts'
import type { Marks } from './marks.ts'

/** What happened to one key's row within an epoch. Undefined: no row. */
export interface Change {
  readonly old: unknown
  readonly new: unknown
}
/** The rows that an epoch changed, once per key. */
export type Delta = Map<string, Change>

/** A message of one operator to another task of the same operator, across a re-keying. Plain JSON data. */
export type Message = readonly unknown[]

/** What the run gives an operator besides its inputs. Nothing here does I/O. */
export interface OperatorContext {
  readonly name: string
  readonly partition: number
  readonly partitions: number
  readonly openStore: OpenStore
  /** Sends to the port (`to`) of this operator in another partition, or in this one. */
  send(to: Port, partition: number, message: Message): void
  /** The keys that one of the author's functions failed for; `part` tells the functions of one operator apart. */
  marks(part: string): Marks
}

/** The name of an operator's inbox. */
export type Port = 'lookup' | 'answer' | 'groups' | 'claims'

/** One step of a plan in one task. An epoch steps each operator once, inputs before their readers. */
export interface Operator {
  /** Reads the inputs' deltas and its inbox, and fills its own delta. */
  step(): void
  /** Forgets the epoch's deltas and messages. */
  reset(): void
}

/** An operator that is a table: its delta, and any row by key. */
export interface TableOperator extends Operator {
  readonly delta: Delta
  /** The current row. Valid once this operator has been stepped. */
  get(key: string): unknown
  /** Every key that may have a row, of the last commit; may be read on after another commit. */
  keys(): Iterable<string>
}

/** An operator that runs an author's function, and can run it again for a key that it failed for. */
export interface Retryable {
  readonly marks: Marks
}

/** An operator with an inbox. */
export interface Receiver {
  /** @throws EngineError `BAD_MESSAGE` for what no task sends to this port */
  receive(message: Message): void
}

/** Refuses a message that isn't what its port takes: later nobody could tell where it came from. */
export function checkMessage(port: Port, fits: boolean): void {
  if (!fits) throw new EngineError('BAD_MESSAGE', `no task sends this to "${port}"`)
}

const empty: Change = { old: undefined, new: undefined }

/** A key's rows before and after the epoch, whether or not they changed. */
export function beforeAndAfter(table: TableOperator, key: string): Change {
  const change = table.delta.get(key)
  if (change) return change
  const row = table.get(key)
  return row === undefined ? empty : { old: row, new: row }
}

/** Notes a change, unless nothing changed. */
export function note(delta: Delta, key: string, old: unknown, now: unknown): void {
  if (!sameRow(old, now)) delta.set(key, { old, new: now })
}

/** Data that is nested deeper contains itself, and isn't the same as anything: it is refused where it is kept. */
const MOST_DEPTH = 64

/** Whether two rows are the same plain data; a field that is undefined is as good as missing. */
export function sameRow(a: unknown, b: unknown, depth = 0): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (depth > MOST_DEPTH) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!sameRow(a[i], b[i], depth + 1)) return false
    return true
  }
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const name in left) if (!sameRow(left[name], right[name], depth + 1)) return false
  for (const name in right) if (left[name] === undefined && right[name] !== undefined) return false
  return true
}
