import type { Knex } from 'knex'
import { afterEach, expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import { publish, withOutbox } from '#outbox/outbox'
import { mendPublication } from '#outbox/publication'
import { maintainOutbox } from '#outbox/retention'
import { readStackSettings } from '#stack/environment'
import { ensureRegistryDatabase } from '#stack/registry-database'
import { planRotation } from '#stack/rotate'
import { shapeOf } from '#stack/shape'
import { type ScratchStack, scratchStack } from '#testing/stack'
import { CustomerRegistered } from '../../../schemas/contracts.generated.ts'
import system from '../../../tributary.config.ts'
import { type DatabaseLogin, openDatabase } from './connect.ts'
import { migrate } from './migrate.ts'
import { setUpSql } from './set-up-sql.ts'
import {
  type MigrateSettings,
  readFreshnessLogin,
  readMaintainerLogin,
  readMigrateSettings,
  readServiceLogin,
  readVerifierLogin,
} from './settings.ts'

const services = ['customers', 'reviews'] as const
const some = { services, loadService: system.loadService }

/** A server of its own, since logins are the whole server's, and its superuser: whoever runs it for us. */
async function openServer() {
  const stack = await scratchStack({ only: ['postgres'] })
  servers.push(stack)
  const env: Record<string, string> = { ...stack.env, POSTGRES_USER: 'set_up', POSTGRES_PASSWORD: 'of set_up' }
  const superuser = readMigrateSettings(services, stack.env).superuser('postgres')
  return { env, dba: open(superuser), settings: readMigrateSettings(services, env) }
}

const servers: ScratchStack[] = []
const opened: Knex[] = []
afterEach(async () => {
  for (const db of opened.splice(0)) await db.destroy()
  for (const stack of servers.splice(0)) await stack.stop()
})
function open(login: DatabaseLogin): Knex {
  const db = openDatabase(login, { application: 'tributary-test', pool: 2 })
  opened.push(db)
  return db
}

const connectorAt = (service: string, { superuser, passwords }: MigrateSettings): DatabaseLogin => ({
  ...superuser(service),
  user: `${service}_connector`,
  password: passwords.connector[service]!,
})

/** The secrets that a rotation changes where all of this is on a given server. */
async function rotated(env: Record<string, string>): Promise<readonly string[]> {
  const shape = shapeOf({ services, topologies: new Map() })
  const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_PORT } = env
  const given = {
    POSTGRES_URL: `postgres://127.0.0.1:${POSTGRES_PORT}`,
    POSTGRES_USER: POSTGRES_USER!,
    POSTGRES_PASSWORD: POSTGRES_PASSWORD!,
  }
  const { names, kept } = await planRotation(readStackSettings(shape, given), given, env)
  expect([...names, ...kept.map(({ name }) => name)].sort()).toEqual([...shape.secretNames].sort())
  return names
}

/** That a server that was set up works: what a service writes is in its slot, and each login does its part and no more. */
async function expectWorking(env: Record<string, string>, settings: MigrateSettings, dba: Knex) {
  const { publishes } = await system.loadService('customers')
  const service = open(readServiceLogin('customers', env))
  const db = await withOutbox(service, memoryCodec(system.contracts), publishes)
  const customer = { customerId: 'c1', uniqueId: 'u', zip: '01', city: 'x', state: 'SP' }
  await db.transaction(async (trx) => {
    await trx('customers').insert({ customer_id: 'c1', unique_id: 'u', zip: '01', city: 'x', state: 'SP' })
    await publish(trx, CustomerRegistered, customer)
  })
  const connector = open(connectorAt('customers', settings))
  const { rows: read } = await connector.raw(
    `select data from pg_logical_slot_peek_binary_changes('customers_outbox', null, null,
       'proto_version', '1', 'publication_names', 'outbox')`,
  )
  const bytes = Buffer.concat(read.map(({ data }: { data: Buffer }) => data))
  expect(bytes.toString('latin1')).toContain(CustomerRegistered.name)

  const verifier = open(readVerifierLogin(env)('customers'))
  expect(await verifier('customers').select('customer_id')).toEqual([{ customer_id: 'c1' }])
  const freshness = open(readFreshnessLogin(env)('customers'))
  expect(await freshness('outbox').select('id')).toHaveLength(1)
  const maintainer = open(readMaintainerLogin(env)('customers'))
  const tomorrow = await maintainOutbox(maintainer, 'customers', Date.now() + 86_400_000)
  expect(tomorrow.made).toHaveLength(1)
  await maintainer.raw('drop publication outbox')
  expect(await mendPublication(maintainer)).toEqual(['the publication is missing'])

  const denied = /permission denied/
  await expect(connector('customers').select()).rejects.toThrow(denied)
  await expect(connector('outbox').delete()).rejects.toThrow(denied)
  await expect(service('outbox').select()).rejects.toThrow(denied)
  await expect(service.raw('create table mine (id int)')).rejects.toThrow(denied)
  await expect(verifier('customers').delete()).rejects.toThrow(denied)
  await expect(freshness('outbox').select('payload')).rejects.toThrow(denied)
  await expect(freshness('customers').select()).rejects.toThrow(denied)
  const elsewhere = { ...readServiceLogin('customers', env), database: 'reviews' }
  await expect(open(elsewhere).raw('select 1')).rejects.toThrow(/permission denied|pg_hba\.conf rejects/)
  const { rows: mighty } = await dba.raw(
    `select rolname from pg_roles where rolname !~ '^pg_' and rolname not in ('postgres', 'set_up')
       and (rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication <> (rolname ~ '_connector$'))`,
  )
  expect(mighty).toEqual([])
}

test('a login that may make logins and databases, and replicate, sets a server up without being superuser', async () => {
  const { env, dba, settings } = await openServer()
  await dba.raw(`create role set_up login createdb createrole password 'of set_up'`)
  await expect(migrate(some, settings)).rejects.toThrow(`mayn't replicate, so it can't make slots: alter role set_up`)
  await dba.raw('alter role set_up replication')
  await expect(migrate(some, settings)).rejects.toThrow(/"freshness" can't be made a member of "pg_monitor"/)
  // As docs/guide/own-servers.md has it.
  await dba.raw('grant pg_monitor to set_up with admin option')
  expect([...(await migrate(some, settings)).failed]).toEqual([])
  expect([...(await migrate(some, settings)).done.values()]).toEqual([[], []])
  await expectWorking(env, settings, dba)

  expect(await rotated(env)).toHaveLength(8)
  const changed = { ...env, CUSTOMERS_DB_PASSWORD: 'another' }
  expect([...(await migrate(some, readMigrateSettings(services, changed))).failed]).toEqual([])
  await open(readServiceLogin('customers', changed)).raw('select 1')

  const registry = { ...settings.superuser('postgres'), registryPassword: env.REGISTRY_DB_PASSWORD! }
  await ensureRegistryDatabase(registry)
  await ensureRegistryDatabase(registry)
  const { rows } = await dba.raw(`select pg_get_userbyid(datdba) as owner from pg_database where datname = 'registry'`)
  expect(rows).toEqual([{ owner: 'registry' }])
}, 120_000)

test('a login that may replicate and owns the databases, and nothing else, sets up with logins that were made for it', async () => {
  const { env, dba, settings } = await openServer()
  await dba.raw(`create role set_up login replication password 'of set_up'`)
  await expect(migrate(some, settings)).rejects.toThrow(
    /the login "verifier" is missing, and "set_up", which sets up, may make none: have a superuser run what `npx --no tributary migrate --sql` prints/,
  )
  await dba.raw('drop role set_up')

  const sql = setUpSql(services, settings, env.REGISTRY_DB_PASSWORD)
  for (const [name, password] of Object.entries(env)) {
    if (name.endsWith('_PASSWORD')) expect(sql).not.toContain(password)
  }
  for (const statement of sql.split(/;\n/).filter((text) => /\S/.test(text))) await dba.raw(statement)
  // Managed servers often let nobody into this one.
  await dba.raw('revoke connect on database postgres from public')

  expect([...(await migrate(some, settings)).failed]).toEqual([])
  expect([...(await migrate(some, settings)).done.values()]).toEqual([[], []])
  await expectWorking(env, settings, dba)

  await ensureRegistryDatabase({ ...settings.superuser('postgres'), registryPassword: env.REGISTRY_DB_PASSWORD! })
  expect(await rotated(env)).toEqual([])
  await dba.raw('alter role reviews createdb')
  expect((await migrate(some, settings)).failed.get('reviews')?.message).toMatch(/"reviews" may do more than it has to/)
}, 120_000)

test('a database that a program works on is taken as it is, and the program goes on', async () => {
  const { env, dba, settings } = await openServer()
  const { rows: before } = await dba.raw(`create role shop login replication password 'of shop'`).then(async () => {
    await dba.raw('create database customers owner shop')
    return dba.raw(`select datacl::text from pg_database where datname = 'customers'`)
  })
  const shop = open({ ...settings.superuser('customers'), user: 'shop', password: 'of shop' })
  await shop.raw(
    'create table customers (customer_id text primary key, unique_id text, zip text, city text, state text)',
  )
  await shop.raw('create table knex_migrations (id serial, name text, batch int, migration_time timestamptz)')
  await shop('knex_migrations').insert({ name: '20240101_theirs.js', batch: 1 })
  await shop('customers').insert({ customer_id: 'old', unique_id: 'u', zip: '01', city: 'x', state: 'SP' })

  const { POSTGRES_USER: _, POSTGRES_PASSWORD: __, ...rest } = env
  const bySuperuser = readMigrateSettings(services, { ...rest, POSTGRES_PASSWORD: servers[0]!.env.POSTGRES_PASSWORD! })
  const definition = await system.loadService('customers')
  const one = { services: ['customers'], loadService: async () => ({ ...definition, migrations: [] }) }
  expect((await migrate(one, bySuperuser)).failed.get('customers')?.message).toMatch(
    /it has public\.customers, public\.knex_migrations_id_seq|it has public\.customers, migration 20240101_theirs\.js/,
  )
  await shop.raw('create table inbox_offsets (id int)')
  expect((await migrate(one, bySuperuser, ['customers'])).failed.get('customers')?.message).toBe(
    'database "customers" has public.inbox_offsets of its own, where ours would be: rename that first',
  )
  expect((await dba.raw(`select datacl::text from pg_database where datname = 'customers'`)).rows).toEqual(before)
  await shop.raw('alter table inbox_offsets rename to letters')

  expect([...(await migrate(one, bySuperuser, ['customers'])).failed]).toEqual([])
  expect([...(await migrate(one, bySuperuser)).done.values()]).toEqual([[]])

  expect(await shop('customers').select('customer_id')).toEqual([{ customer_id: 'old' }])
  expect(await shop('knex_migrations').select('name')).toEqual([{ name: '20240101_theirs.js' }])
  await shop.raw('alter table customers add column later text')
  const { rows } = await dba.raw(
    `select pg_get_userbyid(datdba) as owner, has_database_privilege('public', oid, 'connect') as open,
            (select setconfig from pg_db_role_setting where setdatabase = oid) as settings
     from pg_database where datname = 'customers'`,
  )
  expect(rows).toEqual([{ owner: 'shop', open: true, settings: null }])
  const service = open(readServiceLogin('customers', env))
  const db = await withOutbox(service, memoryCodec(system.contracts), definition.publishes)
  await db.transaction(async (trx) => {
    await trx('customers').where({ customer_id: 'old' }).update({ city: 'y' })
    await publish(trx, CustomerRegistered, { customerId: 'old', uniqueId: 'u', zip: '01', city: 'y', state: 'SP' })
  })
  const connector = open(connectorAt('customers', settings))
  const { rows: read } = await connector.raw(
    `select count(*)::int as n from pg_logical_slot_peek_binary_changes('customers_outbox', null, null,
       'proto_version', '1', 'publication_names', 'outbox')`,
  )
  expect(read[0].n).toBeGreaterThan(0)
}, 120_000)

test('the owner of a database, who may replicate and nothing else, has it taken as it is', async () => {
  const { env, dba, settings } = await openServer()
  const owned = { ...env, POSTGRES_USER: 'shop', POSTGRES_PASSWORD: 'of shop' }
  const byOwner = readMigrateSettings(services, owned)
  await dba.raw(`create role shop login password 'of shop'`)
  await dba.raw('create database customers owner shop')
  const shop = open(byOwner.superuser('customers'))
  await shop.raw(
    'create table customers (customer_id text primary key, unique_id text, zip text, city text, state text)',
  )
  await shop('customers').insert({ customer_id: 'old', unique_id: 'u', zip: '01', city: 'x', state: 'SP' })
  const theirs = open({ ...readMigrateSettings(services, servers[0]!.env).superuser('customers') })
  await theirs.raw('create table payroll (salary int)')
  const definition = await system.loadService('customers')
  const one = { services: ['customers'], loadService: async () => ({ ...definition, migrations: [] }) }

  await expect(migrate(one, byOwner, ['customers'])).rejects.toThrow(
    `the login "shop" sets up, and mayn't replicate, so it can't make slots: alter role shop replication`,
  )
  const sql = setUpSql(one.services, byOwner, undefined, ['customers'])
  for (const statement of sql.split(/;\n/).filter((text) => /\S/.test(text))) await dba.raw(statement)

  // Whoever else sets up hasn't its rights.
  await dba.raw(`create role set_up login replication password 'of set_up'`)
  await dba.raw('grant maintainer to set_up with inherit true, set true')
  expect((await migrate(one, settings, ['customers'])).failed.get('customers')?.message).toBe(
    'database "customers" belongs to the login "shop", and "set_up" hasn\'t its rights: ' +
      'set up as "shop" (CUSTOMERS_POSTGRES_USER), or grant shop to set_up',
  )
  expect((await migrate(one, byOwner)).failed.get('customers')?.message).toContain('migrate --adopt customers')

  expect([...(await migrate(one, byOwner, ['customers'])).failed]).toEqual([])
  expect([...(await migrate(one, byOwner)).done.values()]).toEqual([[]])

  // Its program goes on, and so does what may be done with each table.
  await shop.raw('alter table customers add column later text')
  const service = open(readServiceLogin('customers', env))
  const db = await withOutbox(service, memoryCodec(system.contracts), definition.publishes)
  await db.transaction(async (trx) => {
    await trx('customers').where({ customer_id: 'old' }).update({ city: 'y' })
    await publish(trx, CustomerRegistered, { customerId: 'old', uniqueId: 'u', zip: '01', city: 'y', state: 'SP' })
  })
  await expect(service('payroll').select()).rejects.toThrow(/permission denied/)
  expect(await open(readVerifierLogin(env)('customers'))('customers').select('city')).toEqual([{ city: 'y' }])
  const { rows } = await dba.raw(
    `select rolname from pg_roles where rolname !~ '^pg_' and rolname <> 'postgres'
       and (rolsuper or rolcreaterole or rolcreatedb or rolbypassrls)`,
  )
  expect(rows).toEqual([])
  const connector = open(connectorAt('customers', settings))
  const { rows: read } = await connector.raw(
    `select count(*)::int as n from pg_logical_slot_peek_binary_changes('customers_outbox', null, null,
       'proto_version', '1', 'publication_names', 'outbox')`,
  )
  expect(read[0].n).toBeGreaterThan(0)
  await maintainOutbox(open(readMaintainerLogin(env)('customers')), 'customers', Date.now())
}, 120_000)
