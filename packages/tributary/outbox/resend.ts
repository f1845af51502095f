import type { Knex } from 'knex'
import type { EventsTopic } from '#contracts/topic'
import { openDatabase } from '#database/connect'
import { untilUnlocked } from '#database/locks'
import { readMaintainerLogin } from '#database/settings'
import { kafkaSettings, readConfig } from '#runtime/config'
import { type KafkaAt, kafkaAt } from '#runtime/kafka-at'
import { lostEvents } from './lost.ts'
import { slotPasses } from './slot.ts'

/** So many lost events are sent again with one statement: commands wait for it. */
const AT_ONCE = 1_000

/**
 * Writes events into the outbox again, each with all later ones of its aggregate, so that the connector sends them: those
 * that never reached the topic. Repeats have the ids of the first time. Gives how many were written.
 * @param db logged in as the owner of the outbox
 * @param lost ids of events; what isn't in the outbox (any more) is passed over
 * Throws when the publication lacks the table (it would be lost again), and when the table's lock isn't to be had.
 */
export async function resend(db: Knex, lost: readonly string[]): Promise<number> {
  const left = new Set(lost)
  let written = 0
  while (left.size > 0) {
    const some = [...left].slice(0, AT_ONCE)
    const { rows } = await untilUnlocked(db, () => db.raw('select outbox_resend(?::uuid[]) as id', [some]))
    for (const id of some) left.delete(id)
    // Later events of an aggregate went along, lost or not.
    for (const { id } of rows as { id: string }[]) left.delete(id)
    written += rows.length
  }
  return written
}

/**
 * Sends again what a service's topic lacks, or everything since a time; with the login that owns the outboxes. Gives how
 * many events those are, and how many rows were written.
 * @param since ms since 1970; left out, outbox and topic are compared
 */
export async function resendLost(
  { service, name }: EventsTopic,
  since?: number,
): Promise<{ lost: number; written: number }> {
  const db = openDatabase(readMaintainerLogin()(service), { application: 'tributary-outbox', pool: 1 })
  try {
    const kafka = kafkaAt(readConfig(kafkaSettings))
    const lost = since === undefined ? await missing(db, service, name, kafka) : await writtenSince(db, since)
    return { lost: lost.length, written: await resend(db, lost) }
  } finally {
    await db.destroy()
  }
}

/** Of what was committed before the call: what the connector hasn't passed yet is late, not lost, and is waited for. */
async function missing(db: Knex, service: string, topic: string, brokers: KafkaAt): Promise<string[]> {
  const committed = await writtenSince(db, 0)
  await slotPasses(db, service)
  const lost = new Set((await lostEvents(db, topic, brokers, 0)).map(({ id }) => id))
  return committed.filter((id) => lost.has(id))
}

async function writtenSince(db: Knex, since: number): Promise<string[]> {
  const { rows } = await db.raw(
    `select id from outbox where created_at >= (?::timestamptz at time zone 'UTC') order by seq nulls first`,
    [new Date(since).toISOString()],
  )
  return [...new Set((rows as { id: string }[]).map(({ id }) => id))]
}
