import type { Knex } from 'knex'

/** What keeps all slots from letting go of the write-ahead log, and how to end it. */
export interface Pin {
  readonly what: string
  readonly remedy: string
}

/**
 * The oldest transaction on the server that has written something and is still open: decoding begins before it, so all
 * slots keep the log from there on, whichever database it is in. A prepared one outlives its session.
 */
export async function pinOf(db: Knex): Promise<Pin | undefined> {
  const { rows } = await db.raw(
    `select xact_start as since, pid, application_name as application, usename as login, datname as database, state,
            query_start as "queryStart", left(query, 80) as query, null as gid
     from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()
     union all
     select prepared, null, null, owner, database, 'prepared', null, null, gid from pg_prepared_xacts
     order by since limit 1`,
  )
  const [oldest] = rows as Oldest[]
  if (!oldest) return undefined
  const age = Math.round((Date.now() - oldest.since.getTime()) / 1_000)
  if (oldest.gid !== null) {
    return {
      what: `the prepared transaction '${oldest.gid}' of ${oldest.login} in database "${oldest.database}", open for ${age} s, holds it back`,
      remedy: `in database "${oldest.database}": rollback prepared '${oldest.gid.replaceAll("'", "''")}' (or commit prepared)`,
    }
  }
  const { pid, application, login, database, state, queryStart, query } = oldest
  return {
    what:
      `a transaction open for ${age} s holds it back: pid ${pid} ("${application}", login ${login}, database "${database}"), ` +
      `${state}, its last statement begun at ${queryStart?.toISOString()}: ${query}`,
    remedy: `select pg_terminate_backend(${pid})`,
  }
}

interface Oldest {
  readonly since: Date
  readonly pid: number
  readonly application: string
  readonly login: string
  readonly database: string
  readonly state: string
  readonly queryStart: Date | null
  readonly query: string
  readonly gid: string | null
}
