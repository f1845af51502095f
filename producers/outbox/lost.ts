import { setTimeout as after } from 'node:timers/promises'
import type { Knex } from 'knex'
import { readTopics } from '#runtime/topic-reader.ts'
import { slotOf } from './schema.ts'

const POLL_MS = 100
const SLOT_MS = 30_000

/**
 * The events of a service's outbox that its topic doesn't have, oldest first: those that were committed before the call,
 * and that the connector has passed. Reads the whole topic.
 * @param db logged in as the owner of the outbox
 * Throws when the slot is missing or doesn't get past the events in time: then nothing is lost yet, only late.
 */
export async function findLost(
  db: Knex,
  service: string,
  topic: string,
  brokers: readonly string[],
): Promise<string[]> {
  const { rows } = await db.raw('select id from outbox order by seq nulls first, created_at')
  const lost = new Set((rows as { id: string }[]).map(({ id }) => id))
  await slotPasses(db, service)
  const reader = readTopics({
    brokers,
    clientId: 'tributary-outbox',
    topics: [topic],
    maxWaitMs: POLL_MS,
    take({ messages }) {
      for (const { headers } of messages) lost.delete(String(headers?.ce_id))
    },
  })
  try {
    while (!reader.caughtUp()) await after(POLL_MS)
    return [...lost]
  } finally {
    await reader.stop()
  }
}

/** Waits until the slot is behind everything that is committed now. */
async function slotPasses(db: Knex, service: string): Promise<void> {
  const slot = slotOf(service)
  const noted = await db.raw(
    `with here as materialized (select pg_current_wal_insert_lsn() as lsn)
     select lsn::text as lsn, pg_logical_emit_message(false, 'outbox', lsn::text, true) from here`,
  )
  const deadline = performance.now() + SLOT_MS
  for (;;) {
    const { rows } = await db.raw(
      'select confirmed_flush_lsn >= ?::pg_lsn as passed from pg_replication_slots where slot_name = ?',
      [noted.rows[0].lsn, slot],
    )
    if (rows.length === 0) {
      throw new Error(
        `slot "${slot}" is missing, so nobody knows what is lost: run \`npx tributary connectors status\``,
      )
    }
    if (rows[0].passed) return
    if (performance.now() > deadline) {
      const late = `slot "${slot}" has not moved past what is committed for ${SLOT_MS / 1000} s: nothing is lost, the connector`
      throw new Error(`${late} doesn't get on: run \`npx tributary connectors status\`, or say --since`)
    }
    await after(POLL_MS)
  }
}
