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
import { ADOPTED_STEPS, adopt, FIRST_STEP, isAdopted, refuseForeignDatabase } from './adopt.ts'
import { openDatabase } from './connect.ts'
import { LOCK_TIMEOUT_MS, untilUnlocked } from './locks.ts'
import { closeDatabase, ensureServiceLogins, ensureSharedLogins, grantRights } from './logins.ts'
import { maintenanceDatabase, setUpRights } from './maintenance.ts'
import { type Migration, runMigrations, STEPS } from './migrations.ts'
import type { MigrateSettings } from './settings.ts'

/** Any number, the same in every program that migrates. */
const ADVISORY_LOCK = 7_202_611

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
 * superuser, or as whoever may replicate and either make logins and databases or finds them made (docs/guide/own-servers.md),
 * and touches nothing on a server that isn't ours.
 * @param adopted services whose database is taken as it is, should it be there already and somebody else's
 */
export async function migrate(
  system: Services,
  settings: MigrateSettings,
  adopted: readonly string[] = [],
): Promise<Migrated> {
  const servers = Map.groupBy(system.services, (service) => {
    const { host, port, user } = settings.superuser(service)
    return `${host}:${port} ${user}`
  })
  const each: Migrated[] = []
  for (const here of servers.values()) each.push(await migrateOn(here, system, settings, adopted))
  return {
    done: new Map(each.flatMap(({ done }) => [...done])),
    failed: new Map(each.flatMap(({ failed }) => [...failed])),
  }
}

/** The same for the services of one server that one login sets up. */
async function migrateOn(
  here: readonly string[],
  { services, loadService }: Services,
  settings: MigrateSettings,
  adopted: readonly string[],
): Promise<Migrated> {
  const login = settings.superuser(here[0]!)
  const database = await maintenanceDatabase(login, here[0]!)
  const postgres = openDatabase({ ...login, database }, { application: 'tributary-migrate', pool: 1 })
  try {
    return await alone(postgres, async (db) => {
      const rights = await setUpRights(db)
      await ensureSharedLogins(db, settings.passwords, rights)
      return eachOnItsOwn(here, async (service) => {
        const login = settings.superuser(service)
        const options = { application: 'tributary-migrate', pool: 2, lockTimeoutMs: LOCK_TIMEOUT_MS }
        const database = openDatabase(login, options)
        try {
          const there = await hasDatabase(db, service)
          const taken = there && adopted.includes(service)
          if (there && !taken) await refuseForeignDatabase(database, service)
          await ensureServiceLogins(db, service, settings.passwords, rights)
          if (!there) await db.raw('create database ?? template template0 encoding utf8', [service])
          if (taken) await adopt(database, service)
          const verification = service === services[0]
          const definition = await loadService(service)
          const ran = new Set<string>()
          await settle(db, database, service, verification)
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

/** Who may enter a service's database. The programs that are in one that was adopted go on as they are. */
async function settle(postgres: Knex, database: Knex, service: string, verification: boolean): Promise<void> {
  const adopted = await isAdopted(database)
  if (!adopted) await postgres.raw(`alter database ?? set timezone = 'UTC'`, [service])
  await closeDatabase(postgres, service, { verification, adopted })
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

async function migrateService(db: Knex, service: ServiceDefinition, ran: Set<string>): Promise<void> {
  await migrateTables(db, service, ran)
  await ensurePublicationAndSlot(db, service.name)
}

/** Brings a service's tables and rights up to date, in a database that nothing need read the events of. */
export async function migrateTables(db: Knex, service: ServiceDefinition, ran = new Set<string>()): Promise<void> {
  const adopted = await isAdopted(db)
  const steps = [...shared(service), ...service.migrations]
  for (const name of await runMigrations(db, steps, adopted ? ADOPTED_STEPS : STEPS)) ran.add(name)
  // In one transaction: no command meets a moment without rights.
  await db.transaction((trx) => grantRights(trx, service.name, adopted))
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
