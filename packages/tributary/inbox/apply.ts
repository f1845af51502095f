import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { isLocked } from '#database/locks'
import { holdEvents, writeHeld } from '#outbox/outbox'
import { inTrace } from '#outbox/trace'
import { isOutage, sqlState } from '#service/outage'
import type { DeadLetters, SetAside } from './dead-letters.ts'
import { lockParkedKeys, type ParkedRecord, park } from './parking.ts'
import { enterInbox, isDue, lockPositions, movePositions } from './position.ts'
import { type Fault, type InboxRecord, isFault, RegistryAway } from './record.ts'
import type { Subscription } from './subscription.ts'

/** What applying needs. */
export interface ApplyContext {
  /** With an outbox: handlers may publish. */
  readonly db: Knex
  readonly subscription: Subscription
  readonly deadLetters: DeadLetters
  /** Pauses in ms between the attempts at an event whose handler fails; one attempt more than pauses. */
  readonly retryPauses: readonly number[]
  /** Told what became of each record, after the transaction. */
  counted?(outcome: Outcome, records: number): void
}

export type Outcome = 'handled' | 'repeated' | 'passed' | 'parked'

/** A handler failed on this record, for reasons of its own. */
export class HandlerFailed extends Error {
  override readonly name = 'HandlerFailed'
  readonly record: InboxRecord
  constructor(record: InboxRecord, cause: unknown) {
    super((cause as Error)?.message ?? String(cause), { cause })
    this.record = record
  }
}

/**
 * Handles records of one topic, each partition's in order, each exactly once in effect: the handlers' writes, the inbox
 * and the positions commit together. All of them share a transaction; when a handler fails, those before it commit, it
 * is tried again alone and parked in the end, and the rest goes on. Throws only what says nothing about a record (database,
 * broker or registry away): then the same call may simply be made again.
 */
export async function applyRecords(context: ApplyContext, records: readonly InboxRecord[]): Promise<void> {
  let todo = records
  while (todo.length > 0) {
    const failed = await tryAll(context, todo)
    if (!failed) return
    const place = todo.indexOf(failed.record)
    // Those before it were rolled back with it. One of them may fail this time: it has its turn, and those before it theirs.
    if (place > 0) await applyRecords(context, todo.slice(0, place))
    await applyOrPark(context, failed)
    todo = todo.slice(place + 1)
  }
}

/** The same, once: false when a handler failed or a lock wasn't to be had, and then nothing was done. */
export async function tryRecords(context: ApplyContext, records: readonly InboxRecord[]): Promise<boolean> {
  try {
    return (await tryAll(context, records)) === undefined
  } catch (error) {
    if (isLocked(error)) return false
    throw error
  }
}

async function tryAll(context: ApplyContext, records: readonly InboxRecord[]): Promise<HandlerFailed | undefined> {
  const handling: { last?: InboxRecord } = {}
  try {
    await applyTogether(context, records, undefined, handling)
    return undefined
  } catch (error) {
    if (error instanceof HandlerFailed) return error
    // A handler that passed over a database error of its own: the transaction is of no use, and the next statement says so.
    if (sqlState(error) === IN_FAILED_TRANSACTION && handling.last) return new HandlerFailed(handling.last, error)
    // Nor may the database refuse what a record holds for ever: they have their turns one by one, and it is parked.
    if (DATA_ERROR_CLASSES.test(sqlState(error) ?? '')) return new HandlerFailed(handling.last ?? records[0]!, error)
    throw error
  }
}

async function applyOrPark(context: ApplyContext, first: HandlerFailed): Promise<void> {
  const { record } = first
  let failed = first
  for (const pause of context.retryPauses) {
    await sleep(pause)
    const again = await tryAll(context, [record])
    if (!again) return
    failed = again
  }
  await applyTogether(context, [record], { reason: 'author-error', message: failed.message })
}

/**
 * @param poison the fault to park a single record with
 * @param handling told which record was handled last
 */
async function applyTogether(
  context: ApplyContext,
  records: readonly InboxRecord[],
  poison?: Fault,
  handling: { last?: InboxRecord } = {},
): Promise<void> {
  const { topic } = records[0]!.raw
  const counts: Record<Outcome, number> = { handled: 0, repeated: 0, passed: 0, parked: 0 }
  await context.db.transaction(async (trx) => {
    const positions = await lockPositions(trx, topic, new Set(records.map(({ raw }) => raw.partition)))
    const due = records.filter(({ raw }) => isDue(raw, positions.get(raw.partition)!))
    counts.repeated += records.length - due.length
    if (due.length === 0) return
    holdEvents(trx)
    const fresh = await enterInbox(trx, due)
    const waiting = await lockParkedKeys(
      trx,
      topic,
      due.map((record) => record.key),
    )
    const parked: ParkedRecord[] = []
    for (const record of due) {
      if (!fresh.delete(record.eventId)) {
        counts.repeated++
        continue
      }
      const fault = faultOf(record, waiting, poison)
      if (fault) {
        parked.push({ record, fault })
        waiting.add(record.key)
        counts.parked++
      } else {
        handling.last = record
        counts[await handle(trx, context.subscription, record)]++
      }
    }
    if (parked.length > 0) {
      await park(trx, parked)
      await context.deadLetters.send(parked.flatMap(setAside))
    }
    // Also behind what was passed over for its age: it comes before what is due.
    await movePositions(trx, topic, new Map(due.map(({ raw }) => [raw.partition, raw.offset + 1n])))
    await writeHeld(trx)
  })
  for (const [outcome, count] of Object.entries(counts)) if (count > 0) context.counted?.(outcome as Outcome, count)
}

function faultOf(record: InboxRecord, waiting: ReadonlySet<string>, poison: Fault | undefined): Fault | undefined {
  if (isFault(record.content)) return record.content
  if (waiting.has(record.key)) return { reason: 'waits', message: 'an earlier event of its key is parked' }
  return poison
}

/** What waits behind another record has no letter: it is worked on when that one was dealt with. */
function setAside({ record: { raw }, fault: { reason, message } }: ParkedRecord): SetAside[] {
  return reason === 'waits' ? [] : [{ raw, reason, message }]
}

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
const IN_FAILED_TRANSACTION = '25P02'
/** Data exceptions, violated constraints, exceeded limits. */
const DATA_ERROR_CLASSES = /^(22|23|54)/

/**
 * Whether what a handler threw says nothing about the record. A statement that the database can't make sense of (class 42)
 * may be a migration that is due, and is tried again like any fault of a handler; it mustn't hold up a partition for ever.
 */
function isSurroundings(cause: unknown): boolean {
  const state = sqlState(cause)
  if (state?.startsWith('42') || state === IN_FAILED_TRANSACTION) return false
  return isOutage(cause) || cause instanceof RegistryAway
}

/** Runs the handler of a record's type. What it throws becomes `HandlerFailed`, unless it says nothing about the record. */
export async function handle(
  trx: Knex.Transaction,
  subscription: Subscription,
  record: InboxRecord,
): Promise<'handled' | 'passed'> {
  const { content, raw } = record
  if (content === 'tombstone' || isFault(content)) return 'passed'
  const handler = subscription.handlers.get(content.type)
  if (!handler) return 'passed'
  const meta = {
    id: record.eventId,
    key: raw.key?.toString() ?? record.key,
    topic: raw.topic,
    partition: raw.partition,
    offset: String(raw.offset),
    republished: record.republished,
  }
  try {
    await inTrace(record.traceparent, () => handler(trx, content.value, meta))
  } catch (cause) {
    throw isSurroundings(cause) ? cause : new HandlerFailed(record, cause)
  }
  return 'handled'
}
