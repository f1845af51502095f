import type { Knex } from 'knex'
import { createInboxTables } from '#producers/inbox/schema.ts'
import { makePartitionsAhead } from '#producers/outbox/partitions.ts'
import { createOutboxTable, ensurePublicationAndSlot, MAINTAINER } from '#producers/outbox/schema.ts'
import { createIdempotencyTable } from '#producers/service/idempotency.ts'
import { loadService, type ServiceDefinition } from '#producers/services.ts'
import { type ServiceName, services } from '#schemas/topics.ts'
import { openDatabase } from './connect.ts'
import { closeDatabases, ensureLogins, grantRights } from './logins.ts'
import { type Migration, runMigrations } from './migrations.ts'
import type { MigrateSettings } from './settings.ts'

/** Any number, the same in every program that migrates. */
const ADVISORY_LOCK = 7_202_611

/** Per database, the names of the steps that ran. */
export type Migrated = Readonly<Record<ServiceName, readonly string[]>>

/**
 * Brings databases, logins, tables, outboxes, publications, slots and rights to what this version of the program
 * wants. Safe to run again and by several at once (they take turns). Runs as superuser.
 */
export async function migrate(settings: MigrateSettings): Promise<Migrated> {
  const postgres = openDatabase(settings.superuser('postgres'), { application: 'tributary-migrate', pool: 1 })
  try {
    return await alone(postgres, async (db) => {
      await ensureLogins(db, settings.passwords)
      for (const service of services) await ensureDatabase(db, service)
      await closeDatabases(db)
      const migrated: Partial<Record<ServiceName, readonly string[]>> = {}
      for (const service of services) {
        const database = openDatabase(settings.superuser(service), { application: 'tributary-migrate', pool: 2 })
        try {
          migrated[service] = await migrateService(database, await loadService(service))
        } finally {
          await database.destroy()
        }
      }
      return migrated as Migrated
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

async function migrateService(db: Knex, service: ServiceDefinition): Promise<string[]> {
  const ran = await runMigrations(db, [...shared(service), ...service.migrations])
  await ensurePublicationAndSlot(db, service.name)
  await grantRights(db, service.name)
  await db.transaction(async (trx) => {
    await trx.raw(`set local role ${MAINTAINER}`)
    await makePartitionsAhead(trx, Date.now())
  })
  return ran
}

/** What every service has: an outbox and idempotency keys; an inbox where it subscribes. */
function shared(service: ServiceDefinition): Migration[] {
  const inbox = { name: 'inbox/001_inbox', up: createInboxTables }
  return [
    { name: 'outbox/001_outbox', up: createOutboxTable },
    { name: 'service/001_idempotency_keys', up: createIdempotencyTable },
    ...(service.subscriptions.length > 0 ? [inbox] : []),
  ]
}
