import type { Knex } from 'knex'
import type { Codec } from '#schemas/codec.ts'
import { handle } from './apply.ts'
import { lockFirstParked, parkedKeys, unpark } from './parking.ts'
import { isFault, readRecord } from './record.ts'
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
}

/**
 * Handles what waits for a key, in order, each event in a transaction of its own; the last one frees the key. Throws
 * when a handler still fails or a record still can't be read: the rest keeps waiting.
 */
export async function replayKey(context: ReplayContext, key: string): Promise<Released[]> {
  return eachTopicOf(context, key, async (topic) => ({
    topic,
    replayed: await replayAll(context, topic, key),
    dropped: 0,
  }))
}

/**
 * Drops the first event that waits for a key, the one that failed, and replays the others; or drops all of them. What
 * waits of a topic that is no longer subscribed to is dropped in any case.
 */
export async function dropKey(context: ReplayContext, key: string, options: { all: boolean }): Promise<Released[]> {
  return eachTopicOf(context, key, async (topic) => {
    const all = options.all || !context.subscriptions.some((each) => each.topic.name === topic)
    let dropped = 0
    while (await context.db.transaction((trx) => dropFirst(trx, topic, key))) {
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
  work: (topic: string) => Promise<Released>,
): Promise<Released[]> {
  const topics = (await parkedKeys(db)).filter((parked) => parked.key === key).map((parked) => parked.topic)
  if (topics.length === 0) throw new Error(`nothing waits for key "${key}"`)
  const released: Released[] = []
  for (const topic of topics) released.push(await work(topic))
  return released
}

async function replayAll(context: ReplayContext, topic: string, key: string): Promise<number> {
  let replayed = 0
  while (await context.db.transaction((trx) => replayFirst(trx, context, topic, key))) replayed++
  return replayed
}

async function replayFirst(trx: Knex.Transaction, context: ReplayContext, topic: string, key: string) {
  const raw = await lockFirstParked(trx, topic, key)
  if (!raw) return false
  const subscription = context.subscriptions.find((each) => each.topic.name === topic)
  if (!subscription) throw new Error(`this service no longer subscribes to "${topic}": drop key "${key}" instead`)
  const record = await readRecord(raw, subscription, context.codec)
  if (isFault(record.content)) {
    throw new Error(
      `${topic}/${raw.partition}/${raw.offset} still can't be read (${record.content.message}): drop it, or register its schema`,
    )
  }
  await handle(trx, subscription, record)
  await unpark(trx, raw, key)
  return true
}

async function dropFirst(trx: Knex.Transaction, topic: string, key: string): Promise<boolean> {
  const raw = await lockFirstParked(trx, topic, key)
  if (!raw) return false
  await unpark(trx, raw, key)
  return true
}
