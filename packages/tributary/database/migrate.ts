import type { Knex } from 'knex'
import { addParkedOrder, addTopicIds, createInboxTables } from '#inbox/schema'
import { addAudit } from '#outbox/audit'
import { makePartitionsAhead } from '#outbox/partitions'
import {
  addRepublished,
  boundOutboxRows,
  createOutboxTable,
  ensurePublicationAndSlot,
  MAINTAINER,
} from '#outbox/schema'
import { type Each, eachOnItsOwn } from '#runtime/each'
import type { ServiceDefinition } from '#service/definition'
import { createIdempotencyTable } from '#service/idempotency'
import { openDatabase } from './connect.ts'
import { LOCK_TIMEOUT_MS, untilUnlocked } from './locks.ts'
import { closeDatabase, ensureServiceLogins, ensureSharedLogins, grantRights } from './logins.ts'
import { type Migration, runMigrations } from './migrations.ts'
import type { MigrateSettings } from './settings.ts'

/** Any number, the same in every program that migrates. */
const ADVISORY_LOCK = 7_202_611

/** The step that every database of ours has run before any other. */
const FIRST_STEP = 'outbox/001_outbox'

/** What there is to migrate. Verification works in the first one's database. */
export interface Services {
  readonly services: readonly string[]
  loadService(name: string): Promise<ServiceDefinition>
}

/** Per service, the names of the steps that ran; and the services that could not be migrated. */
export type Migrated = Each<string, readonly string[]>

/**
 * Brings databases, logins, tables, outboxes, publications, slots and rights to what this version of the program
 * wants, each service on its own, whichever server it is on. Safe to run again and by several at once (they take turns). Runs as
 * superuser, and touches nothing on a server that isn't ours.
 */
export async function migrate(system: Services, settings: MigrateSettings): Promise<Migrated> {
  const servers = Map.groupBy(system.services, (service) => {
    const { host, port } = settings.superuser(service)
    return `${host}:${port}`
  })
  const each: Migrated[] = []
  for (const here of servers.values()) each.push(await migrateOn(here, system, settings))
  return {
    done: new Map(each.flatMap(({ done }) => [...done])),
    failed: new Map(each.flatMap(({ failed }) => [...failed])),
  }
}

/** The same for the services of one server. */
async function migrateOn(
  here: readonly string[],
  { services, loadService }: Services,
  settings: MigrateSettings,
): Promise<Migrated> {
  const login = { ...settings.superuser(here[0]!), database: 'postgres' }
  const postgres = openDatabase(login, { application: 'tributary-migrate', pool: 1 })
  try {
    return await alone(postgres, async (db) => {
      await ensureSharedLogins(db, settings.passwords)
      return eachOnItsOwn(here, async (service) => {
        const login = settings.superuser(service)
        const options = { application: 'tributary-migrate', pool: 2, lockTimeoutMs: LOCK_TIMEOUT_MS }
        const database = openDatabase(login, options)
        try {
          const there = await hasDatabase(db, service)
          if (there) await refuseForeignDatabase(database, service)
          await ensureServiceLogins(db, service, settings.passwords)
          if (!there) await db.raw('create database ?? template template0 encoding utf8', [service])
          await db.raw(`alter database ?? set timezone = 'UTC'`, [service])
          await closeDatabase(db, service, service === services[0])
          const definition = await loadService(service)
          const ran = new Set<string>()
          // Whatever was done before a lock wasn't to be had stays done: every step can be repeated.
          await untilUnlocked(database, () => migrateService(database, definition, ran))
          return [...ran]
        } finally {
          await database.destroy()
        }
      })
    })
  } finally {
    await postgres.destroy()
  }
}

/** Runs `work` while no other process migrates. The lock belongs to the connection, and so goes with the process. */
export async function alone<T>(postgres: Knex, work: (db: Knex) => Promise<T>): Promise<T> {
  await postgres.raw('select pg_advisory_lock(?)', [ADVISORY_LOCK])
  try {
    return await work(postgres)
  } finally {
    await postgres.raw('select pg_advisory_unlock(?)', [ADVISORY_LOCK])
  }
}

async function hasDatabase(postgres: Knex, name: string): Promise<boolean> {
  const { rows } = await postgres.raw('select 1 from pg_database where datname = ?', [name])
  return rows.length > 0
}

/**
 * Refuses a database of our name that is somebody else's, before anything of it is touched. Ours has run our first migration,
 * or was just made: by this login, and there is nothing in it yet (but what knex makes first).
 */
export async function refuseForeignDatabase(db: Knex, service: string): Promise<void> {
  const { rows } = await db.raw(
    `select to_regclass('public.knex_migrations') is not null as migrates,
            (select pg_get_userbyid(datdba) from pg_database where datname = current_database()) as owner,
            current_user as me,
            array(select quote_ident(nspname) || '.' || quote_ident(relname)
                  from pg_class c join pg_namespace n on n.oid = relnamespace
                  where relkind in ('r', 'p', 'v', 'm', 'f', 'S') and nspname !~ '^pg_' and nspname <> 'information_schema'
                    and not (nspname = 'public' and relname ~ '^knex_migrations')
                  order by 1) as holds`,
  )
  const [{ migrates, owner, me, holds }] = rows
  const steps = migrates ? (await db('knex_migrations').select('name')).map(({ name }) => name) : []
  if (steps.includes(FIRST_STEP)) return
  const not = `database "${service}" isn't ours`
  const remedy = 'Rename it, or use another server'
  const others = [...holds, ...steps.map((step) => `migration ${step}`)]
  if (others.length > 0) {
    const more = others.length > 5 ? ` and ${others.length - 5} more` : ''
    throw new Error(`${not}: it has ${others.slice(0, 5).join(', ')}${more}, and none of our migrations. ${remedy}`)
  }
  if (owner !== me) throw new Error(`${not}: it belongs to the login "${owner}". ${remedy}`)
}

async function migrateService(db: Knex, service: ServiceDefinition, ran: Set<string>): Promise<void> {
  await migrateTables(db, service, ran)
  await ensurePublicationAndSlot(db, service.name)
}

/** Brings a service's tables and rights up to date, in a database that nothing need read the events of. */
export async function migrateTables(db: Knex, service: ServiceDefinition, ran = new Set<string>()): Promise<void> {
  for (const name of await runMigrations(db, [...shared(service), ...service.migrations])) ran.add(name)
  // In one transaction: no command meets a moment without rights.
  await db.transaction((trx) => grantRights(trx, service.name))
  await db.transaction(async (trx) => {
    await trx.raw(`set local role ${MAINTAINER}`)
    await makePartitionsAhead(trx, Date.now())
  })
}

/** What every service has: an outbox and idempotency keys; an inbox where it subscribes. */
function shared(service: ServiceDefinition): Migration[] {
  const inbox = [
    { name: 'inbox/001_inbox', up: createInboxTables },
    { name: 'inbox/002_topic_ids', up: addTopicIds },
    { name: 'inbox/003_parked_order', up: addParkedOrder },
  ]
  return [
    { name: FIRST_STEP, up: createOutboxTable },
    { name: 'outbox/003_row_bounds', up: boundOutboxRows },
    { name: 'outbox/004_audit', up: addAudit },
    { name: 'outbox/005_republished', up: addRepublished },
    { name: 'service/001_idempotency_keys', up: createIdempotencyTable },
    ...(service.subscriptions.length > 0 ? inbox : []),
  ]
}
