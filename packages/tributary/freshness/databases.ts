import pg from 'pg'
import { type DatabaseLogin, postgresOptions } from '#database/connect'

const slotOf = (service: string) => `${service}_outbox`

/** A position in the write-ahead log of each service's database, as Postgres writes them (`0/16B3748`). */
export type WalMarks = ReadonlyMap<string, string>

/** Which rows of an outbox have been read: those of all transactions before `below`, but for the unfinished ones. */
export interface Cursor {
  readonly below: bigint
  readonly unfinished: readonly bigint[]
}

/** What a look at an outbox found that a cursor didn't cover. */
export interface NewRows {
  /** Ids of the events. */
  readonly ids: readonly string[]
  /** Covers what the cursor did, and these. */
  readonly cursor: Cursor
  /** Whether these are all that were committed when the look began. */
  readonly all: boolean
}

/** How far an audit of a service had come: everything that the cursor covers is in the topic. */
export interface AuditNote {
  readonly cursor: Cursor
  readonly topicId: string
  /** Offsets by partition: every event that the cursor doesn't cover lies at or behind them. */
  readonly positions: ReadonlyMap<number, bigint>
}

/** The services' databases, as far as freshness looks at them: positions in the log, and which rows the outbox has. */
export interface Databases {
  /**
   * Notes where each log is now, behind everything committed so far, and writes a message after it, so that a slot of
   * a quiet database moves past the mark at once.
   */
  mark(of: readonly string[]): Promise<WalMarks>
  /** The services whose slot has not confirmed past its mark yet. */
  behind(marks: WalMarks): Promise<string[]>
  /** The rows that are committed and that the cursor doesn't cover, about `most` of them. */
  newRows(service: string, cursor: Cursor, most: number): Promise<NewRows>
  /** Where the last audit of a service was; undefined before the first. */
  lastNote(service: string): Promise<AuditNote | undefined>
  note(service: string, note: AuditNote): Promise<void>
  /** Has lost events written again, with the later ones of their aggregates; gives how many rows that were. */
  resend(service: string, lost: readonly string[]): Promise<number>
  close(): Promise<void>
}

/** Connects to the services' databases when first asked, and again after a failure. */
export function openDatabases(services: readonly string[], loginOf: (service: string) => DatabaseLogin): Databases {
  const serverOf = new Map(
    services.map((service) => {
      const { host, port } = loginOf(service)
      return [service, `${host}:${port}`] as const
    }),
  )
  const pools = new Map(
    services.map((service) => {
      const pool = new pg.Pool({
        ...postgresOptions(loginOf(service)),
        max: 1,
        application_name: 'tributary-freshness',
        connectionTimeoutMillis: 5_000,
        query_timeout: 10_000,
      })
      // A lost idle connection is replaced at the next query.
      pool.on('error', () => {})
      return [service, pool] as const
    }),
  )
  return {
    async mark(of) {
      return new Map(
        await Promise.all(
          of.map(async (service) => {
            // Noted before the message: a slot may confirm the message's beginning, never mind its end.
            const { rows } = await pools.get(service)!.query(
              `with here as materialized (select pg_current_wal_insert_lsn() as lsn)
               select lsn::text as lsn, pg_logical_emit_message(false, 'freshness', lsn::text, true) from here`,
            )
            return [service, rows[0].lsn as string] as const
          }),
        ),
      )
    },
    async behind(marks) {
      // A server shows the slots of all its databases: one question for each server.
      const servers = Map.groupBy(marks, ([service]) => serverOf.get(service))
      const behind = await Promise.all(
        [...servers.values()].map(async (here) => {
          const { rows } = await pools.get(here[0]![0])!.query(
            `select slot_name, confirmed_flush_lsn >= lsn::pg_lsn as passed
             from unnest($1::text[], $2::text[]) as mark (slot, lsn)
             left join pg_replication_slots on slot_name = slot`,
            [here.map(([service]) => slotOf(service)), here.map(([, lsn]) => lsn)],
          )
          const passed = new Set(rows.filter((row) => row.passed).map((row) => row.slot_name as string))
          return here.flatMap(([service]) => (passed.has(slotOf(service)) ? [] : [service]))
        }),
      )
      return behind.flat()
    },
    newRows: (service, cursor, most) => newRows(pools.get(service)!, cursor, most),
    async lastNote(service) {
      const { rows } = await pools
        .get(service)!
        .query('select below::text, unfinished::text[], topic_id, positions from outbox_audit')
      if (rows.length === 0) return undefined
      const { below, unfinished, topic_id: topicId, positions } = rows[0]
      return {
        cursor: { below: BigInt(below), unfinished: (unfinished as string[]).map(BigInt) },
        topicId,
        positions: new Map(
          Object.entries(positions as Record<string, string>).map(([p, at]) => [Number(p), BigInt(at)]),
        ),
      }
    },
    async note(service, { cursor, topicId, positions }) {
      await pools.get(service)!.query(
        `insert into outbox_audit (below, unfinished, topic_id, positions) values ($1, $2, $3, $4)
         on conflict (single) do update set below = excluded.below, unfinished = excluded.unfinished,
           topic_id = excluded.topic_id, positions = excluded.positions, noted_at = now()`,
        [
          String(cursor.below),
          cursor.unfinished.map(String),
          topicId,
          Object.fromEntries([...positions].map(([partition, at]) => [partition, String(at)])),
        ],
      )
    },
    async resend(service, lost) {
      const { rowCount } = await pools.get(service)!.query('select outbox_resend($1::uuid[])', [lost])
      return rowCount ?? 0
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.end()))
    },
  }
}

/**
 * One statement, one snapshot: what it sees beyond the cursor are rows of transactions that began later, and of those
 * that were unfinished. Where there are more than `most`, the new cursor ends before a transaction, between them.
 */
async function newRows(pool: pg.Pool, { below, unfinished }: Cursor, most: number): Promise<NewRows> {
  const { rows } = await pool.query(
    `select null::text as id, pg_snapshot_xmax(s)::text as xact,
            array(select x::text from pg_snapshot_xip(s) x) as open
     from pg_current_snapshot() s
     union all (select id::text, xact_id::text, null from outbox where xact_id >= $1 order by xact_id limit $2)
     union all (select id::text, xact_id::text, null from outbox where xact_id = any ($3::bigint[]))`,
    [String(below), most, unfinished.map(String)],
  )
  const [snapshot, ...found] = rows as [{ xact: string; open: string[] }, ...{ id: string; xact: string }[]]
  const open = snapshot.open.map(BigInt)
  const later = found.filter(({ xact }) => BigInt(xact) >= below)
  if (later.length < most) {
    return { ids: found.map(({ id }) => id), cursor: { below: BigInt(snapshot.xact), unfinished: open }, all: true }
  }
  const end = BigInt(later.at(-1)!.xact)
  const whole = found.filter(({ xact }) => BigInt(xact) < end)
  // A single transaction of many rows.
  if (later.every(({ xact }) => BigInt(xact) === end)) return newRows(pool, { below, unfinished }, most * 4)
  const before = { below: end, unfinished: open.filter((xact) => xact < end) }
  return { ids: whole.map(({ id }) => id), cursor: before, all: false }
}
