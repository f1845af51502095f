import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { slotOf } from './schema.ts'

const PATIENCE_MS = 30_000
const POLL_MS = 100
/** A mark is written again after so long: one that the connector has read already moves no slot. */
const MARK_AGAIN_MS = 1_000

/**
 * Waits until the connector of a service has passed everything that is committed now. A logical message is written for it
 * to pass, with a prefix that the connectors read (`message.prefix.include.list`).
 * Throws when the slot is missing, or doesn't move past it in time.
 */
export async function slotPasses(db: Knex, service: string, patienceMs = PATIENCE_MS): Promise<void> {
  const slot = slotOf(service)
  const { rows } = await db.raw('select pg_current_wal_insert_lsn()::text as lsn')
  const begun = performance.now()
  let markedAt = Number.NEGATIVE_INFINITY
  for (;;) {
    if (performance.now() - markedAt > MARK_AGAIN_MS) {
      await db.raw(`select pg_logical_emit_message(false, 'heartbeat', 'mark', true)`)
      markedAt = performance.now()
    }
    const found = await db.raw(
      'select confirmed_flush_lsn > ?::pg_lsn as passed from pg_replication_slots where slot_name = ?',
      [rows[0].lsn, slot],
    )
    if (found.rows.length === 0)
      throw new Error(`slot "${slot}" is missing: run \`npx --no tributary connectors recover ${service}\``)
    if (found.rows[0].passed) return
    if (performance.now() - begun > patienceMs) {
      const late = `slot "${slot}" has not moved past what is committed for ${patienceMs / 1000} s`
      throw new Error(`${late}: the connector doesn't get on, see \`npx --no tributary connectors status\``)
    }
    await sleep(POLL_MS)
  }
}
