import type { Knex } from 'knex'
import { slotOf } from '#outbox/schema'
import type { Finding } from './findings.ts'
import { type Pin, pinOf } from './pins.ts'

/** What a slot keeps of the fuse, `max_slot_wal_keep_size`, before somebody is told, and before it is an alarm. */
export const CONCERN_SHARE = 0.25
export const ALARM_SHARE = 0.5
/** Where the server has no fuse, the disk is it: shares are of this many bytes. */
const FUSE_WITHOUT_LIMIT = 16 * 1024 ** 3
/** A connector that reads confirms what it has read several times a second. */
export const STALLED_MS = 4_000

/** A replication slot as the server shows it. */
export interface Slot {
  readonly slot: string
  readonly database: string | null
  readonly active: boolean
  readonly pid: number | null
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly status: string
  readonly invalidated: string | null
  readonly confirmed: string | null
  /** Whether it has confirmed the mark that was set at the last look. */
  readonly passed: boolean | null
  /** Bytes of write-ahead log: not confirmed, and kept for it. */
  readonly behind: number
  readonly retained: number
}

/** What was seen of a slot before. */
interface Seen {
  readonly confirmed: string | null
  readonly active: boolean
  /** Since when it has confirmed nothing though there was something to confirm; ms. */
  readonly stuckSince: number | undefined
  /** Where it was when somebody else moved it or made it anew. */
  readonly movedFrom: string | undefined
}

export interface SlotsLook {
  readonly slots: ReadonlyMap<string, Slot>
  /** By slot. */
  readonly findings: ReadonlyMap<string, Finding>
}

/**
 * Looks at the slots of our connectors, and at others' that keep much. Remembers what it saw: a connector that says RUNNING
 * and doesn't get on, and a slot that was moved or made anew by somebody else, show only over time.
 */
export class SlotsWatch {
  readonly #seen = new Map<string, Seen>()
  #mark: { readonly lsn: string; readonly at: number } | undefined
  readonly #fuse: number | undefined

  /** @param fuse bytes, in place of what the server says */
  constructor(fuse?: number) {
    this.#fuse = fuse
  }

  /**
   * @param databases of the services, with a login that sees all slots and sessions (pg_monitor); each is written a message
   * to, so that there is something to confirm
   */
  async look(databases: ReadonlyMap<string, Knex>, now: number): Promise<SlotsLook> {
    const db = anyOf(databases)
    const all = await slotsOf(db, this.#mark?.lsn)
    const fuse = this.#fuse ?? (await fuseOf(db))
    const findings = new Map<string, Finding>()
    for (const service of databases.keys()) {
      const finding = await this.#judge(db, service, all.get(slotOf(service)), fuse, now)
      if (finding) findings.set(slotOf(service), finding)
    }
    const own = new Set<string>([...databases.keys()].map(slotOf))
    for (const slot of all.values()) {
      const finding = own.has(slot.slot) ? undefined : judgeForeign(slot, fuse)
      if (finding) findings.set(slot.slot, finding)
    }
    this.#mark = { lsn: await markNow(databases), at: now }
    return { slots: all, findings }
  }

  async #judge(db: Knex, service: string, slot: Slot | undefined, fuse: number, now: number) {
    const name = slotOf(service)
    const before = this.#seen.get(name)
    const stuckSince = stuck(slot, before, this.#mark?.at ?? now)
    const movedFrom = moved(slot, before)
    this.#seen.set(name, {
      confirmed: slot?.confirmed ?? null,
      active: slot?.active ?? false,
      stuckSince,
      movedFrom,
    })
    const recover = `\`npx --no tributary connectors recover ${service}\``
    const unwell = (what: string, remedy: string): Finding => ({ part: name, what, remedy, unwell: true })
    if (!slot) return unwell(`slot "${name}" is missing: what is written now is not seen`, recover)
    if (slot.status === 'lost') {
      const why = slot.invalidated ? ` (${slot.invalidated})` : ''
      return unwell(`slot "${name}" is lost${why}: it fell behind max_slot_wal_keep_size`, recover)
    }
    if (movedFrom !== undefined) {
      const what = `slot "${name}" was made anew or advanced by somebody, from ${movedFrom} to ${slot.confirmed}`
      return unwell(`${what}: what lies between may be lost`, recover)
    }
    const keeping = keeps(slot, fuse)
    const alarming = slot.status === 'unreserved' || slot.retained >= fuse * ALARM_SHARE
    if (alarming || slot.retained >= fuse * CONCERN_SHARE) {
      const pin = await pinOf(db)
      const lost = slot.status === 'unreserved' ? ', and is lost at the next checkpoint' : ''
      return {
        part: name,
        what: `${keeping}${lost}: ${because(slot, pin)}`,
        remedy: remedyFor(service, slot, pin),
        unwell: alarming,
      }
    }
    if (stuckSince !== undefined && now - stuckSince >= STALLED_MS) {
      const seconds = Math.round((now - stuckSince) / 1_000)
      const reader = slot.active ? `pid ${slot.pid} reads it` : 'nobody reads it'
      return unwell(
        `slot "${name}" has confirmed nothing for ${seconds} s though there is something to read; ${reader}`,
        `\`npx --no tributary connectors status\`, then \`connectors restart ${service}-outbox\``,
      )
    }
    return undefined
  }
}

/** Since when a slot stands still: it hasn't confirmed the last mark, set then, nor anything since it was seen last. */
function stuck(slot: Slot | undefined, before: Seen | undefined, markedAt: number): number | undefined {
  if (slot?.passed !== false || slot.confirmed !== before?.confirmed) return undefined
  return before.stuckSince ?? markedAt
}

/** Whence a slot was moved while no connector read it; until a connector confirms something. */
function moved(slot: Slot | undefined, before: Seen | undefined): string | undefined {
  if (!slot || slot.active) return undefined
  if (before?.movedFrom !== undefined) return before.movedFrom
  const standsAside = before !== undefined && !before.active && before.confirmed !== null
  return standsAside && before.confirmed !== slot.confirmed ? before.confirmed! : undefined
}

function judgeForeign(slot: Slot, fuse: number): Finding | undefined {
  if (slot.retained < fuse * CONCERN_SHARE) return undefined
  return {
    part: slot.slot,
    what: `${keeps(slot, fuse)}; it isn't ours, and ${slot.active ? `pid ${slot.pid} reads it` : 'nobody reads it'}`,
    remedy: `if nobody needs it: select pg_drop_replication_slot('${slot.slot}')`,
    unwell: slot.retained >= fuse * ALARM_SHARE,
  }
}

const keeps = (slot: Slot, fuse: number) =>
  `slot "${slot.slot}" (${slot.status}) keeps ${megabytes(slot.retained)} of write-ahead log, ` +
  `${Math.round((slot.retained / fuse) * 100)} % of the ${megabytes(fuse)} after which it is lost`

const megabytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MB`

/** Whoever holds the log back: somebody's transaction, where the connector itself is up to date. */
function because(slot: Slot, pin: Pin | undefined): string {
  if (pin && slot.behind < slot.retained / 2) return pin.what
  if (!slot.active) return 'no connector reads it'
  return pin ? `its connector is behind, and ${pin.what}` : 'its connector is behind'
}

function remedyFor(service: string, slot: Slot, pin: Pin | undefined): string {
  if (pin && slot.behind < slot.retained / 2) return pin.remedy
  return `\`npx --no tributary connectors status\`, then \`connectors restart ${service}-outbox\``
}

async function slotsOf(db: Knex, mark: string | undefined): Promise<Map<string, Slot>> {
  const { rows } = await db.raw(
    `select slot_name as slot, database, active, active_pid as pid, coalesce(wal_status, 'lost') as status,
            invalidation_reason as invalidated, confirmed_flush_lsn::text as confirmed,
            confirmed_flush_lsn >= ?::pg_lsn as passed,
            coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::bigint as behind,
            coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint as retained
     from pg_replication_slots`,
    [mark ?? null] as Knex.RawBinding[],
  )
  return new Map(rows.map((row: Slot) => [row.slot, row]))
}

async function fuseOf(db: Knex): Promise<number> {
  const { rows } = await db.raw(
    `select setting::bigint * 1024 * 1024 as bytes from pg_settings where name = 'max_slot_wal_keep_size'`,
  )
  return rows[0].bytes < 0 ? FUSE_WITHOUT_LIMIT : rows[0].bytes
}

/** Slots are the server's: each database shows those of all. */
export const anyOf = (databases: ReadonlyMap<string, Knex>): Knex => databases.values().next().value!

async function markNow(databases: ReadonlyMap<string, Knex>): Promise<string> {
  const { rows } = await anyOf(databases).raw('select pg_current_wal_insert_lsn()::text as lsn')
  // A database that can't be reached is said to be so by whoever looks after it.
  await Promise.allSettled(
    [...databases.values()].map((db) => db.raw(`select pg_logical_emit_message(false, 'heartbeat', 'watch', true)`)),
  )
  return rows[0].lsn
}
