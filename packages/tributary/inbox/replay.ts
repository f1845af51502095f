import type { Knex } from 'knex'
import type { Codec } from '#contracts/codec'
import { holdEvents, writeHeld } from '#outbox/outbox'
import { eachOnItsOwn, throwFailed } from '#runtime/each'
import { HandlerFailed, handle } from './apply.ts'
import { type DeadLetters, idOf } from './dead-letters.ts'
import { lockFirstParked, parkedKeys, renameFault, unpark } from './parking.ts'
import { isFault, type RawRecord, readRecord } from './record.ts'
import type { Subscription } from './subscription.ts'

/** What became of a key. */
export interface Released {
  readonly topic: string
  readonly replayed: number
  readonly dropped: number
}

interface ReplayContext {
  /** With an outbox: handlers may publish. */
  readonly db: Knex
  readonly codec: Codec
  readonly subscriptions: readonly Subscription[]
  readonly deadLetters: DeadLetters
}

/**
 * Handles what waits for a key, in order, each event in a transaction of its own; the last one frees the key. Throws
 * when a handler still fails or a record still can't be read: the rest keeps waiting.
 */
export async function replayKey(context: ReplayContext, key: string, only?: string): Promise<Released[]> {
  return eachTopicOf(context, key, only, async (topic) => ({
    topic,
    replayed: await replayAll(context, topic, key),
    dropped: 0,
  }))
}

/**
 * Drops the first event that waits for a key, the one that failed, and replays the others; or drops all of them. What
 * waits of a topic that is no longer subscribed to is dropped in any case.
 */
export async function dropKey(
  context: ReplayContext,
  key: string,
  options: { all: boolean; reason?: string; topic?: string },
): Promise<Released[]> {
  const reason = options.reason ?? 'dropped by hand'
  return eachTopicOf(context, key, options.topic, async (topic) => {
    const all = options.all || !context.subscriptions.some((each) => each.topic.name === topic)
    let dropped = 0
    for (;;) {
      const raw = await context.db.transaction((trx) => dropFirst(trx, topic, key))
      if (!raw) break
      await context.deadLetters.close([idOf(raw)], 'dropped', reason)
      dropped++
      if (!all) break
    }
    const replayed = await replayAll(context, topic, key).catch((cause) => {
      const message = `${topic}: ${dropped} dropped, but what waited behind can't be handled yet: ${(cause as Error).message}`
      throw new Error(`${message}; go on with \`inbox replay\`: another \`drop\` would drop one more event`, { cause })
    })
    return { topic, dropped, replayed }
  })
}

async function eachTopicOf(
  { db }: ReplayContext,
  key: string,
  only: string | undefined,
  work: (topic: string) => Promise<Released>,
): Promise<Released[]> {
  const topics = (await parkedKeys(db))
    .filter((parked) => parked.key === key && (only === undefined || parked.topic === only))
    .map((parked) => parked.topic)
  if (topics.length === 0) throw new Error(`nothing waits for key "${key}"`)
  const each = await eachOnItsOwn(topics, work)
  throwFailed(each)
  return [...each.done.values()]
}

async function replayAll(context: ReplayContext, topic: string, key: string): Promise<number> {
  for (let replayed = 0; ; replayed++) {
    let first: RawRecord | undefined
    try {
      const done = await context.db.transaction(async (trx) => {
        first = await lockFirstParked(trx, topic, key)
        if (!first) return false
        await replay(trx, context, first, key)
        return true
      })
      if (!done) return replayed
    } catch (error) {
      // The first that waits is the one that has a letter, and it says what is wrong now.
      if (first && error instanceof HandlerFailed) await saySetAside(context, first, (error as Error).message)
      throw error
    }
    await context.deadLetters.close([idOf(first!)], 'replayed', 'handled')
  }
}

async function saySetAside({ db, deadLetters }: ReplayContext, raw: RawRecord, message: string): Promise<void> {
  await renameFault(db, raw, 'author-error', message)
  await deadLetters.send([{ raw, reason: 'author-error', message }])
}

async function replay(trx: Knex.Transaction, context: ReplayContext, raw: RawRecord, key: string): Promise<void> {
  const { topic } = raw
  const subscription = context.subscriptions.find((each) => each.topic.name === topic)
  if (!subscription) throw new Error(`this service no longer subscribes to "${topic}": drop key "${key}" instead`)
  const record = await readRecord(raw, subscription, context.codec)
  if (isFault(record.content)) {
    throw new Error(
      `${topic}/${raw.partition}/${raw.offset} still can't be read (${record.content.message}): drop it, or register its schema`,
    )
  }
  holdEvents(trx)
  await handle(trx, subscription, record)
  await unpark(trx, raw, key)
  await writeHeld(trx)
}

async function dropFirst(trx: Knex.Transaction, topic: string, key: string): Promise<RawRecord | undefined> {
  const raw = await lockFirstParked(trx, topic, key)
  if (raw) await unpark(trx, raw, key)
  return raw
}
