import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { type KafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import { readTopics } from '#runtime/topic-reader'

/** An event of the outbox that isn't in its topic. */
export interface LostEvent {
  readonly id: string
  readonly type: string
  readonly key: string
  readonly at: string
}

/** Records are read from so long before the first event in question: clocks differ. In ms. */
const MARGIN_MS = 3_600_000
/** How long a topic may not be readable. */
const PATIENCE_MS = 30_000
const CLIENT = 'tributary-outbox'

/**
 * The events of an outbox, written since a time (ms), that aren't in its topic, oldest first: they are compared by their
 * ids, up to where the topic ends now. Reads that much of the topic. Says nothing of what the connector hasn't passed yet
 * (`slotPasses`).
 * @param db sees the outbox
 * @param table the outbox, or a partition of it
 * Throws when the topic can't be read for half a minute.
 */
export async function lostEvents(
  db: Knex,
  topic: string,
  brokers: KafkaAt,
  since: number,
  table = 'outbox',
): Promise<LostEvent[]> {
  const { rows } = await db.raw(
    `select id, type, aggregateid as key, to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
     from ?? where created_at >= (?::timestamptz at time zone 'UTC') order by seq nulls first, created_at`,
    [table, new Date(since).toISOString()],
  )
  const missing = new Map((rows as LostEvent[]).map((row) => [row.id, row]))
  if (missing.size > 0) {
    let first = Number.POSITIVE_INFINITY
    for (const { at } of missing.values()) first = Math.min(first, Date.parse(at))
    await readIds(brokers, topic, first - MARGIN_MS, (id) => missing.delete(id))
  }
  return [...missing.values()]
}

/** Gives the CloudEvents id of each committed record of a topic from a time (ms) on, up to its end now. */
async function readIds(brokers: KafkaAt, topic: string, from: number, take: (id: string) => void) {
  const positions = await positionsAt(brokers, topic, from)
  const reader = readTopics({
    brokers,
    clientId: CLIENT,
    topics: [topic],
    maxWaitMs: 100,
    startAt: (_, partition) => positions.get(partition),
    take({ messages }) {
      for (const { headers } of messages) {
        const id = headers?.ce_id
        if (id) take(String(Array.isArray(id) ? id[0] : id))
      }
    },
  })
  try {
    let quietSince = Date.now()
    while (!reader.caughtUp()) {
      if (reader.trouble() === undefined) quietSince = Date.now()
      if (Date.now() - quietSince > PATIENCE_MS) throw new Error(`topic "${topic}" can't be read: ${reader.trouble()}`)
      await sleep(50)
    }
  } finally {
    await reader.stop()
  }
}

async function positionsAt(brokers: KafkaAt, topic: string, time: number): Promise<Map<number, bigint>> {
  const admin = new kafkajs.Kafka({
    clientId: CLIENT,
    ...kafkaOptions(brokers),
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin()
  await admin.connect()
  try {
    const found = await admin.fetchTopicOffsetsByTimestamp(topic, Math.max(0, time))
    return new Map(found.map(({ partition, offset }) => [partition, BigInt(offset)]))
  } finally {
    await admin.disconnect()
  }
}
