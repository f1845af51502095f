import type { Knex } from 'knex'
import { addParkedOrder, addTopicIds, createInboxTables } from '#producers/inbox/schema.ts'
import { addAudit } from '#producers/outbox/audit.ts'
import { makePartitionsAhead } from '#producers/outbox/partitions.ts'
import { boundOutboxRows, createOutboxTable, ensurePublicationAndSlot, MAINTAINER } from '#producers/outbox/schema.ts'
import { createIdempotencyTable } from '#producers/service/idempotency.ts'
import { loadService, type ServiceDefinition } from '#producers/services.ts'
import { type Each, eachOnItsOwn } from '#runtime/each.ts'
import { type ServiceName, services } from '#schemas/topics.ts'
import { openDatabase } from './connect.ts'
import { LOCK_TIMEOUT_MS, untilUnlocked } from './locks.ts'
import { closeDatabase, ensureServiceLogins, ensureSharedLogins, grantRights } from './logins.ts'
import { type Migration, runMigrations } from './migrations.ts'
import type { MigrateSettings } from './settings.ts'

/** Any number, the same in every program that migrates. */
const ADVISORY_LOCK = 7_202_611

/** Per service, the names of the steps that ran; and the services that could not be migrated. */
export type Migrated = Each<ServiceName, readonly string[]>

/**
 * Brings databases, logins, tables, outboxes, publications, slots and rights to what this version of the program
 * wants, each service on its own. Safe to run again and by several at once (they take turns). Runs as superuser, and
 * touches nothing on the server that isn't ours.
 */
export async function migrate(settings: MigrateSettings): Promise<Migrated> {
  const postgres = openDatabase(settings.superuser('postgres'), { application: 'tributary-migrate', pool: 1 })
  try {
    return await alone(postgres, async (db) => {
      await ensureSharedLogins(db, settings.passwords)
      return eachOnItsOwn(services, async (service) => {
        await ensureServiceLogins(db, service, settings.passwords)
        await ensureDatabase(db, service)
        await closeDatabase(db, service)
        const login = settings.superuser(service)
        const options = { application: 'tributary-migrate', pool: 2, lockTimeoutMs: LOCK_TIMEOUT_MS }
        const database = openDatabase(login, options)
        try {
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
async function alone<T>(postgres: Knex, work: (db: Knex) => Promise<T>): Promise<T> {
  await postgres.raw('select pg_advisory_lock(?)', [ADVISORY_LOCK])
  try {
    return await work(postgres)
  } finally {
    await postgres.raw('select pg_advisory_unlock(?)', [ADVISORY_LOCK])
  }
}

async function ensureDatabase(postgres: Knex, service: ServiceName): Promise<void> {
  const { rows } = await postgres.raw('select 1 from pg_database where datname = ?', [service])
  if (rows.length === 0) await postgres.raw('create database ?? template template0 encoding utf8', [service])
  await postgres.raw(`alter database ?? set timezone = 'UTC'`, [service])
}

async function migrateService(db: Knex, service: ServiceDefinition, ran: Set<string>): Promise<void> {
  await refuseForeignTables(db, service.name)
  for (const name of await runMigrations(db, [...shared(service), ...service.migrations])) ran.add(name)
  // In one transaction: no command meets a moment without rights.
  await db.transaction((trx) => grantRights(trx, service.name))
  await db.transaction(async (trx) => {
    await trx.raw(`set local role ${MAINTAINER}`)
    await makePartitionsAhead(trx, Date.now())
  })
  await ensurePublicationAndSlot(db, service.name)
}

/** A database of our name with tables and without an outbox is somebody else's. */
async function refuseForeignTables(db: Knex, service: ServiceName): Promise<void> {
  const { rows } = await db.raw(
    `select to_regclass('public.outbox') is null and to_regclass('public.knex_migrations') is null as strange,
            (select string_agg(relname, ', ' order by relname) from pg_class
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')) as tables`,
  )
  const [{ strange, tables }] = rows
  if (strange && tables) {
    throw new Error(
      `database "${service}" isn't ours: it has the tables ${tables}, and no outbox. Rename it, or use another server`,
    )
  }
}

/** What every service has: an outbox and idempotency keys; an inbox where it subscribes. */
function shared(service: ServiceDefinition): Migration[] {
  const inbox = [
    { name: 'inbox/001_inbox', up: createInboxTables },
    { name: 'inbox/002_topic_ids', up: addTopicIds },
    { name: 'inbox/003_parked_order', up: addParkedOrder },
  ]
  return [
    { name: 'outbox/001_outbox', up: createOutboxTable },
    { name: 'outbox/003_row_bounds', up: boundOutboxRows },
    { name: 'outbox/004_audit', up: addAudit },
    { name: 'service/001_idempotency_keys', up: createIdempotencyTable },
    ...(service.subscriptions.length > 0 ? inbox : []),
  ]
}
