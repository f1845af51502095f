import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'

/**
 * How long a statement of maintenance waits for a lock, in ms. Commands queue behind whoever waits for a lock that they
 * can't share, so it is less than a person notices, and the statement is made again later.
 */
export const LOCK_TIMEOUT_MS = 400

const PAUSE_MS = 300
const ATTEMPTS = 8

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
const LOCK_NOT_AVAILABLE = '55P03'

/** Whether a statement gave up waiting for a lock. */
export const isLocked = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === LOCK_NOT_AVAILABLE

/** Does work again, after pauses, while a lock isn't to be had; throws in the end, naming who holds the outbox. */
export async function untilUnlocked<T>(db: Knex, work: () => Promise<T>, attempts = ATTEMPTS): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isLocked(error)) throw error
      if (attempt >= attempts) throw new Error(`${(error as Error).message}; ${await holderOf(db)}`, { cause: error })
      await sleep(PAUSE_MS)
    }
  }
}

/** Runs work in a transaction that waits for no lock longer than `LOCK_TIMEOUT_MS`, several times if need be. */
export async function lockingBriefly<T>(
  db: Knex,
  work: (trx: Knex.Transaction) => Promise<T>,
  attempts = ATTEMPTS,
): Promise<T> {
  return untilUnlocked(
    db,
    () =>
      db.transaction(async (trx) => {
        await trx.raw(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
        return work(trx)
      }),
    attempts,
  )
}

/** The same for a statement that can't be in a transaction; once. */
export async function lockingBrieflyAlone(db: Knex, sql: string): Promise<void> {
  const connection = await db.client.acquireConnection()
  try {
    await db.raw(`set lock_timeout = ${LOCK_TIMEOUT_MS}`).connection(connection)
    await db.raw(sql).connection(connection)
  } finally {
    await db.raw('reset lock_timeout').connection(connection)
    db.client.releaseConnection(connection)
  }
}

/** Who has held a lock on the outbox or one of its partitions the longest, for a person. */
async function holderOf(db: Knex): Promise<string> {
  const { rows } = await db.raw(
    `select a.pid, a.application_name as application, a.usename as login, a.xact_start as since
     from pg_locks l join pg_stat_activity a using (pid)
     where l.granted and l.pid <> pg_backend_pid() and l.database = (select oid from pg_database where datname = current_database())
       and l.relation in (select 'outbox'::regclass::oid union select inhrelid from pg_inherits where inhparent = 'outbox'::regclass)
     order by a.xact_start limit 1`,
  )
  const [holder] = rows as { pid: number; application: string; login: string; since: Date }[]
  if (!holder) return 'whoever held the lock is gone: run it again'
  const { pid, application, login, since } = holder
  return `pid ${pid} ("${application}", login ${login}) has held the outbox since ${since?.toISOString() ?? 'some time'}: run it again when it is done`
}
