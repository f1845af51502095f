import type { Knex } from 'knex'
import { grantAuditRights } from '#outbox/audit'
import { MAINTAINER } from '#outbox/schema'
import { BY_HAND, loginQuestion, loginStatements, type SetUpRights } from '#runtime/postgres-login'
import type { MigrateSettings } from './settings.ts'

export const connectorLogin = (service: string) => `${service}_connector`
export const VERIFIER = 'verifier'
export const FRESHNESS = 'freshness'

/** Makes the logins that all services share, or sets their rights and passwords again. */
export async function ensureSharedLogins(
  postgres: Knex,
  passwords: MigrateSettings['passwords'],
  rights: SetUpRights,
): Promise<void> {
  await ensureLogin(postgres, VERIFIER, passwords.verifier, rights)
  await ensureLogin(postgres, FRESHNESS, passwords.freshness, rights)
  await ensureLogin(postgres, MAINTAINER, passwords.maintainer, rights)
  if (rights.superuser) await postgres.raw(`grant pg_read_all_data to ${VERIFIER}`)
  // Both look at other sessions and at slots.
  for (const login of [FRESHNESS, MAINTAINER]) await ensureMember(postgres, login, 'pg_monitor')
  // What belongs to the maintainer is made and changed by whoever sets up.
  if (!rights.superuser) await ensureMember(postgres, rights.name, MAINTAINER, 'inherit true, set true')
}

/** The same for those of one service. They can log in, and nothing else yet. */
export async function ensureServiceLogins(
  postgres: Knex,
  service: string,
  passwords: MigrateSettings['passwords'],
  rights: SetUpRights,
): Promise<void> {
  const connector = connectorLogin(service)
  await ensureLogin(postgres, service, passwords.service[service]!, rights)
  await ensureLogin(postgres, connector, passwords.connector[service]!, rights, 'replication')
  // So that it may end the connector's sessions, no others (watch/copies.ts). REPLICATION itself is never inherited.
  await ensureMember(postgres, MAINTAINER, connector, CONNECTOR_OPTIONS)
}

export const CONNECTOR_OPTIONS = 'inherit true, set false, admin false'

async function ensureLogin(
  postgres: Knex,
  login: string,
  password: string,
  rights: SetUpRights,
  replication?: 'replication',
): Promise<void> {
  const { rows } = await postgres.raw(`${loginQuestion(rights)} ?`, [login])
  const statements = loginStatements(login, password, rows[0], rights, replication)
  if (statements.length === 0) return
  // A login without its mark would be taken for somebody else's.
  await postgres.transaction(async (trx) => {
    for (const statement of statements) await trx.raw(statement)
  })
}

/** Makes a login a member of a role, where it doesn't have that role's rights yet. */
async function ensureMember(postgres: Knex, member: string, role: string, options?: string): Promise<void> {
  const has = options?.includes('set true') ? 'USAGE, SET' : 'USAGE'
  const { rows } = await postgres.raw(
    `select bool_and(pg_has_role(?::name, ?::name, has)) as has from unnest(string_to_array(?, ', ')) as has`,
    [member, role, has],
  )
  if (rows[0].has) return
  try {
    await postgres.raw(`grant ${role} to "${member}"${options ? ` with ${options}` : ''}`)
  } catch (error) {
    throw new Error(`"${member}" can't be made a member of "${role}" (${(error as Error).message}): ${BY_HAND}`, {
      cause: error,
    })
  }
}

/**
 * Closes a service's database to logins that have no business there. Databases that aren't ours are left as they are:
 * what keeps our logins out of them is the server's pg_hba.conf (stack/settings.ts). One that was adopted stays open to
 * those it was open to.
 * @param verification whether this is where verification works
 */
export async function closeDatabase(
  postgres: Knex,
  service: string,
  { verification, adopted }: { readonly verification: boolean; readonly adopted: boolean },
): Promise<void> {
  if (!adopted) await postgres.raw('revoke all on database ?? from public', [service])
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
 *
 * In a database that was adopted nothing is taken away, and on a table that whoever sets up doesn't own nothing is given.
 */
export async function grantRights(db: Knex, service: string, adopted: boolean): Promise<void> {
  await db.raw(`grant usage on schema public to ${service}, ${connectorLogin(service)}, ${VERIFIER}`)
  await db.raw(`grant usage, create on schema public to ${MAINTAINER}`)
  const { rows } = await db.raw(
    `select c.relname as name, c.relkind = 'S' as sequence from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'S') and not c.relispartition
       and c.relname !~ '^(knex|tributary)_migrations'
       and (pg_has_role(c.relowner, 'USAGE') or not ?)`,
    [adopted],
  )
  for (const { name, sequence } of rows as { name: string; sequence: boolean }[]) {
    if (sequence) {
      await db.raw('grant usage on sequence ?? to ??', [name, service])
      continue
    }
    if (!adopted || /^outbox(_|$)/.test(name)) await db.raw('revoke all on ?? from ??', [name, service])
    await db.raw(`grant select on ?? to ${VERIFIER}`, [name])
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
  await grantAuditRights(db)
}

/** Gives a table to the maintainer where it isn't its own: that locks it, and nothing is to wait for a migration. */
async function own(db: Knex, table: string): Promise<void> {
  const { rows } = await db.raw(
    `select 1 from pg_tables where schemaname = 'public' and tablename = ? and tableowner <> ?`,
    [table, MAINTAINER],
  )
  if (rows.length > 0) await db.raw(`alter table ?? owner to ${MAINTAINER}`, [table])
}
