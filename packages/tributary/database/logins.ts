import type { Knex } from 'knex'
import { grantAuditRights } from '#outbox/audit'
import { MAINTAINER } from '#outbox/schema'
import { LOGIN_QUESTION, loginStatements } from '#runtime/postgres-login'
import type { MigrateSettings } from './settings.ts'

export const connectorLogin = (service: string) => `${service}_connector`
const VERIFIER = 'verifier'
const FRESHNESS = 'freshness'

/** Makes the logins that all services share, or sets their rights and passwords again. */
export async function ensureSharedLogins(postgres: Knex, passwords: MigrateSettings['passwords']): Promise<void> {
  await ensureLogin(postgres, VERIFIER, passwords.verifier)
  await ensureLogin(postgres, FRESHNESS, passwords.freshness)
  await ensureLogin(postgres, MAINTAINER, passwords.maintainer)
  await postgres.raw(`grant pg_read_all_data to ${VERIFIER}`)
  // Both look at other sessions and at slots.
  await postgres.raw(`grant pg_monitor to ${FRESHNESS}, ${MAINTAINER}`)
}

/** The same for those of one service. They can log in, and nothing else yet. */
export async function ensureServiceLogins(
  postgres: Knex,
  service: string,
  passwords: MigrateSettings['passwords'],
): Promise<void> {
  await ensureLogin(postgres, service, passwords.service[service]!)
  await ensureLogin(postgres, connectorLogin(service), passwords.connector[service]!, 'replication')
  // So that it may end the connector's sessions, no others (watch/copies.ts). REPLICATION itself is never inherited.
  await postgres.raw(`grant ${connectorLogin(service)} to ${MAINTAINER} with inherit true, set false, admin false`)
}

async function ensureLogin(
  postgres: Knex,
  login: string,
  password: string,
  replication?: 'replication',
): Promise<void> {
  const { rows } = await postgres.raw(`${LOGIN_QUESTION} ?`, [login])
  for (const statement of loginStatements(login, password, rows[0], replication)) await postgres.raw(statement)
}

/**
 * Closes a service's database to logins that have no business there. Databases that aren't ours are left as they are:
 * what keeps our logins out of them is the server's pg_hba.conf (stack/settings.ts).
 * @param verification whether this is where verification works
 */
export async function closeDatabase(postgres: Knex, service: string, verification: boolean): Promise<void> {
  await postgres.raw('revoke all on database ?? from public', [service])
  await postgres.raw('grant connect, temporary on database ?? to ??', [service, service])
  await postgres.raw(
    `grant connect on database ${service} to ${connectorLogin(service)}, ${VERIFIER}, ${FRESHNESS}, ${MAINTAINER}`,
  )
  // For its publication, should somebody drop it.
  await postgres.raw(`grant create on database ${service} to ${MAINTAINER}`)
  // Verification gathers all services' tables in temporary ones of its session here.
  if (verification) await postgres.raw(`grant temporary on database ?? to ${VERIFIER}`, [service])
}

/**
 * Rights inside one service's database. The service reads and writes its own tables, but of the outbox it may only
 * insert, and not choose `created_at`: a partition whose day is over stays as it is. The connector reads the outbox
 * and nothing else; the maintainer owns it.
 */
export async function grantRights(db: Knex, service: string): Promise<void> {
  await db.raw(`grant usage on schema public to ${service}, ${connectorLogin(service)}`)
  await db.raw(`grant usage, create on schema public to ${MAINTAINER}`)
  const { rows } = await db.raw(
    `select c.relname as name from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`,
  )
  for (const { name } of rows as { name: string }[]) {
    if (name.startsWith('knex_')) continue
    await db.raw('revoke all on ?? from ??', [name, service])
    if (name === 'outbox') {
      await db.raw(
        `grant insert (id, aggregatetype, aggregateid, type, payload, source, time, traceparent, republished)
         on outbox to ${service}`,
      )
      await db.raw(`grant select on outbox to ${connectorLogin(service)}`)
      await own(db, 'outbox')
    } else if (name === 'outbox_retention') {
      await own(db, 'outbox_retention')
    } else if (name !== 'outbox_audit') {
      await db.raw('grant select, insert, update, delete on ?? to ??', [name, service])
    }
  }
  await db.raw('grant usage on all sequences in schema public to ??', [service])
  await grantAuditRights(db)
}

/** Gives a table to the maintainer where it isn't its own: that locks it, and nothing is to wait for a migration. */
async function own(db: Knex, table: string): Promise<void> {
  const { rows } = await db.raw('select 1 from pg_tables where tablename = ? and tableowner <> ?', [table, MAINTAINER])
  if (rows.length > 0) await db.raw(`alter table ?? owner to ${MAINTAINER}`, [table])
}
