import type { Knex } from 'knex'
import { MAINTAINER } from '#producers/outbox/schema.ts'
import { type ServiceName, services } from '#schemas/topics.ts'
import type { MigrateSettings } from './settings.ts'

export const connectorLogin = (service: ServiceName) => `${service}_connector`
const VERIFIER = 'verifier'
const FRESHNESS = 'freshness'

/** Makes the logins, or sets their rights and passwords again. They can log in, and nothing else yet. */
export async function ensureLogins(postgres: Knex, passwords: MigrateSettings['passwords']): Promise<void> {
  for (const service of services) {
    await ensureLogin(postgres, service, passwords.service[service])
    await ensureLogin(postgres, connectorLogin(service), passwords.connector[service], 'replication')
  }
  await ensureLogin(postgres, VERIFIER, passwords.verifier)
  await ensureLogin(postgres, FRESHNESS, passwords.freshness)
  await ensureLogin(postgres, MAINTAINER, passwords.maintainer)
  await postgres.raw(`grant pg_read_all_data to ${VERIFIER}`)
  // Both look at other sessions and at slots.
  await postgres.raw(`grant pg_monitor to ${FRESHNESS}, ${MAINTAINER}`)
}

async function ensureLogin(
  postgres: Knex,
  login: string,
  password: string,
  replication = 'noreplication',
): Promise<void> {
  const { rows } = await postgres.raw('select 1 from pg_roles where rolname = ?', [login])
  const verb = rows.length > 0 ? 'alter' : 'create'
  const secret = literal(password)
  try {
    await postgres.raw(
      `${verb} role ${login} login nosuperuser nocreatedb nocreaterole ${replication} password ${secret}`,
    )
  } catch (error) {
    // knex puts the statement before what went wrong.
    if (error instanceof Error) error.message = error.message.replaceAll(secret, '…')
    throw error
  }
}

/**
 * Closes every database to logins that have no business there: a service can't reach another one's. Databases that
 * aren't ours keep the login of the same name.
 */
export async function closeDatabases(postgres: Knex): Promise<void> {
  const { rows } = await postgres.raw('select datname from pg_database where datallowconn')
  for (const { datname } of rows) {
    await postgres.raw('revoke all on database ?? from public', [datname])
    const { rows: namesakes } = await postgres.raw('select 1 from pg_roles where rolname = ?', [datname])
    if (namesakes.length > 0) await postgres.raw('grant connect, temporary on database ?? to ??', [datname, datname])
  }
  for (const service of services) {
    await postgres.raw(
      `grant connect on database ${service} to ${connectorLogin(service)}, ${VERIFIER}, ${FRESHNESS}, ${MAINTAINER}`,
    )
  }
  // Verification gathers all services' tables in temporary ones of its session here.
  await postgres.raw(`grant temporary on database orders to ${VERIFIER}`)
}

/**
 * Rights inside one service's database. The service reads and writes its own tables, but of the outbox it may only
 * insert, and not choose `created_at`: a partition whose day is over stays as it is. The connector reads the outbox
 * and nothing else; the maintainer owns it.
 */
export async function grantRights(db: Knex, service: ServiceName): Promise<void> {
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
        `grant insert (id, aggregatetype, aggregateid, type, payload, source, time, traceparent) on outbox to ${service}`,
      )
      await db.raw(`grant select on outbox to ${connectorLogin(service)}`)
      await db.raw(`alter table outbox owner to ${MAINTAINER}`)
    } else if (name === 'outbox_retention') {
      await db.raw(`alter table outbox_retention owner to ${MAINTAINER}`)
    } else {
      await db.raw('grant select, insert, update, delete on ?? to ??', [name, service])
    }
  }
  await db.raw('grant usage on all sequences in schema public to ??', [service])
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
