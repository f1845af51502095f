import type { Knex } from 'knex'
import { type DatabaseLogin, openDatabase } from '#database/connect'

/**
 * How long a request or a handler waits for a row that somebody else's transaction holds, in ms. Whoever waits keeps a
 * connection: without an end, ten requests for one row would be all that a service answers.
 */
const LOCK_TIMEOUT_MS = 2_000
/** How long a request's statement may take in all, in ms: each finds its rows by key. */
const STATEMENT_TIMEOUT_MS = 15_000

/** The connections that answer a service's requests. What waits too long is answered 503, and may be sent again. */
export const requestPool = (login: DatabaseLogin, service: string): Knex =>
  openDatabase(login, {
    application: service,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })

/**
 * Those of its subscriptions: a burst of events doesn't keep requests waiting. A handler that waits too long for a lock is
 * tried again; a statement may take its time, since it would take it again.
 */
export const inboxPool = (login: DatabaseLogin, service: string): Knex =>
  openDatabase(login, { application: `${service}-inbox`, pool: 6, lockTimeoutMs: LOCK_TIMEOUT_MS })

/** Looks through whole tables, and so may take longer than a request. */
export function unhurried<T>(db: Knex, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  return db.transaction(async (trx) => {
    await trx.raw('set local statement_timeout = 0')
    return work(trx)
  })
}
