import type { Knex } from 'knex'
import { connectorLogin } from '#database/logins'
import { slotOf } from '#outbox/schema'
import type { Finding } from './findings.ts'

/** Somebody who read with a connector's login what isn't its own stream: the whole server's files or log, or another slot. */
export interface Copy {
  readonly pid: number
  readonly login: string
  readonly address: string
  /** As it was sent to the server, its beginning. */
  readonly command: string
  /** Why its session could not be ended; undefined where it was. */
  readonly fault: string | undefined
}

/**
 * Ends every replication session of a connector's login that does anything but stream its own slot. Nothing can forbid it
 * beforehand: whoever may replicate a database logically may also ask, in the same session, for a copy of the whole server.
 * @param db with a login that sees others' sessions (pg_monitor) and may end those of the connectors
 */
export async function endCopies(db: Knex, services: readonly string[]): Promise<Copy[]> {
  // The command tells, not the slot: a slot is let go of a moment before its stream is seen to have ended. The slot tells
  // as well, should the server keep no commands (track_activities).
  const { rows } = await db.raw(
    `select r.pid, r.usename as login, coalesce(host(r.client_addr), 'this machine') as address, left(a.query, 100) as command
     from pg_stat_replication r
     join pg_stat_activity a using (pid)
     join unnest(?::text[], ?::text[]) as own (login, slot) on own.login = r.usename
     where (r.state <> 'startup' or a.query ~ '^\\s*(BASE_BACKUP|START_REPLICATION)')
       and a.query !~ ('^\\s*START_REPLICATION\\s+SLOT\\s+"{0,1}' || own.slot || '"{0,1}\\s+LOGICAL\\s')
       and not exists (select from pg_replication_slots s where s.active_pid = r.pid and s.slot_name = own.slot)`,
    [services.map(connectorLogin), services.map(slotOf)],
  )
  const copies: Copy[] = []
  for (const found of rows as Omit<Copy, 'fault'>[]) copies.push({ ...found, fault: await end(db, found.pid) })
  return copies
}

async function end(db: Knex, pid: number): Promise<string | undefined> {
  try {
    await db.raw('select pg_terminate_backend(?)', [pid])
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** What is to be said of a copy that was seen at `at` (ms). */
export function judgeCopy({ pid, login, address, command, fault }: Copy, at: number): Finding {
  const ended = fault === undefined ? 'it was ended' : `ending it fails (${fault}): select pg_terminate_backend(${pid})`
  const variable = `${login.toUpperCase()}_PASSWORD`
  return {
    part: login,
    what:
      `somebody at ${address} read with the login "${login}" what isn't its connector's (${command}), seen ` +
      `${new Date(at).toISOString()}; ${ended}, but what was sent until then may be the data of all databases on the server`,
    remedy: `give the login another password: \`npx --no tributary passwords rotate\` (${variable})`,
    unwell: true,
  }
}
