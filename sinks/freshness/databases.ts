import pg from 'pg'
import { type ServiceName, services } from '#schemas/topics.ts'

export interface DatabaseSettings {
  readonly host: string
  readonly port: number
  readonly password: string
}

const LOGIN = 'freshness'
const slotOf = (service: ServiceName) => `${service}_outbox`

/** A position in the write-ahead log of each service's database, as Postgres writes them (`0/16B3748`). */
export type WalMarks = ReadonlyMap<ServiceName, string>

/** The services' databases, as far as freshness looks at them: positions in the log, no rows. */
export interface Databases {
  /**
   * Notes where each log is now, behind everything committed so far, and writes a message after it, so that a slot of
   * a quiet database moves past the mark at once.
   */
  mark(): Promise<WalMarks>
  /** The services whose slot has not confirmed past its mark yet. */
  behind(marks: WalMarks): Promise<ServiceName[]>
  close(): Promise<void>
}

/** Connects to the services' databases when first asked, and again after a failure. */
export function openDatabases({ host, port, password }: DatabaseSettings): Databases {
  const pools = new Map(
    services.map((service) => {
      const pool = new pg.Pool({
        host,
        port,
        password,
        database: service,
        user: LOGIN,
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
    async mark() {
      return new Map(
        await Promise.all(
          [...pools].map(async ([service, pool]) => {
            // Noted before the message: a slot may confirm the message's beginning, never mind its end.
            const { rows } = await pool.query(
              `with here as materialized (select pg_current_wal_insert_lsn() as lsn)
               select lsn::text as lsn, pg_logical_emit_message(false, 'freshness', lsn::text, true) from here`,
            )
            return [service, rows[0].lsn as string] as const
          }),
        ),
      )
    },
    async behind(marks) {
      const [[, pool]] = [...pools] as [[ServiceName, pg.Pool]]
      const { rows } = await pool.query(
        `select slot_name, confirmed_flush_lsn >= lsn::pg_lsn as passed
         from unnest($1::text[], $2::text[]) as mark (slot, lsn)
         left join pg_replication_slots on slot_name = slot`,
        [[...marks.keys()].map(slotOf), [...marks.values()]],
      )
      const passed = new Set(rows.filter((row) => row.passed).map((row) => row.slot_name as string))
      return [...marks.keys()].filter((service) => !passed.has(slotOf(service)))
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.end()))
    },
  }
}
