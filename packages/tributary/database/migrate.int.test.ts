import type { Socket } from 'node:net'
import type { Knex } from 'knex'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mendPublication, publicationFaults } from '#outbox/publication'
import { throwFailed } from '#runtime/each'
import { waitUntil } from '#testing/wait-until'
import { type Databases, openDatabases } from '../../../tests/harness/databases.ts'
import { services } from '../../../tests/harness/marketplace.ts'
import system from '../../../tributary.config.ts'
import { refuseForeignDatabase } from './adopt.ts'
import { openDatabase } from './connect.ts'
import { ensureSharedLogins } from './logins.ts'
import { setUpRights } from './maintenance.ts'
import { migrate } from './migrate.ts'
import { runMigrations } from './migrations.ts'
import { readMigrateSettings } from './settings.ts'

let databases: Databases
beforeAll(async () => {
  databases = await openDatabases()
})
afterAll(() => databases[Symbol.asyncDispose]())

test('migrating again, twice at once, changes nothing', async () => {
  const settings = readMigrateSettings(system.services, databases.env)
  const [one, other] = await Promise.all([migrate(system, settings), migrate(system, settings)])
  for (const service of services) {
    expect(one.done.get(service)).toEqual([])
    expect(other.done.get(service)).toEqual([])
  }
})

test('a service reaches no other database than its own', async () => {
  const password = databases.env.ORDERS_DB_PASSWORD!
  const own = await databases.as('orders', password, 'orders').raw('select current_user as me')
  expect(own.rows[0].me).toBe('orders')
  for (const other of ['payments', 'customers', 'postgres', 'template1']) {
    await expect(databases.as('orders', password, other).raw('select 1')).rejects.toThrow(
      /permission denied|pg_hba\.conf rejects/,
    )
  }
})

test("a connector's login reads the outbox of its database and nothing else", async () => {
  const connector = databases.as('orders_connector', databases.env.ORDERS_CONNECTOR_PASSWORD!, 'orders')
  await connector('outbox').limit(1)
  await connector.raw(`select pg_logical_emit_message(false, 'heartbeat', 'x')`)
  await expect(connector('orders').limit(1)).rejects.toThrow(/permission denied/)
  await expect(connector('outbox').delete()).rejects.toThrow(/permission denied/)
})

test("a connector's login is let into the replication of its own database and of no other, and not into physical replication", async () => {
  const password = databases.env.ORDERS_CONNECTOR_PASSWORD!
  const replicating = (database: string, replication: string) =>
    askReplication({ user: 'orders_connector', password, database, replication }, 'IDENTIFY_SYSTEM')
  expect((await replicating('orders', 'database')).dbname).toBe('orders')
  await expect(replicating('orders', 'true')).rejects.toThrow(/pg_hba\.conf rejects replication connection/)
  for (const other of ['payments', 'postgres', 'template1']) {
    await expect(replicating(other, 'database')).rejects.toThrow(/pg_hba\.conf rejects|permission denied/)
  }
})

test("nothing on the server keeps a connector's login from copying all of it through its own database: the watch has to", async () => {
  const { host, port } = readMigrateSettings(system.services, databases.env).superuser('postgres')
  const login = { user: 'orders_connector', password: databases.env.ORDERS_CONNECTOR_PASSWORD!, database: 'orders' }
  const client = new pg.Client({ host, port, ...login, replication: 'database' } as pg.ClientConfig)
  client.on('error', () => {})
  await client.connect()
  // pg is no client of a backup: it waits for ever after the last byte.
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  let bytes = 0
  stream.on('data', (data: Buffer) => {
    bytes += data.length
  })
  void client.query(`BASE_BACKUP (MANIFEST 'no', CHECKPOINT 'fast')`).catch(() => {})
  try {
    await waitUntil('its files come', () => bytes > 5_000_000)
  } finally {
    stream.destroy()
  }
})

test("somebody else's database and login stay as they are", async () => {
  const superuser = databases.superuser('postgres')
  const name = `foreign_${process.pid}`
  await superuser.raw(`create role ${name} login password 'theirs'`)
  await superuser.raw(`create database ${name}`)
  try {
    const before = await superuser.raw('select datacl from pg_database where datname = ?', [name])
    throwFailed(await migrate(system, readMigrateSettings(system.services, databases.env)))
    const after = await superuser.raw('select datacl from pg_database where datname = ?', [name])
    expect(after.rows).toEqual(before.rows)
    await databases.as(name, 'theirs', name).raw('select 1')
  } finally {
    await superuser.raw(`drop database ${name} with (force)`)
    await superuser.raw(`drop role ${name}`)
  }
})

/** Makes somebody else's database in the place of one of ours, migrates, and puts ours back. */
async function withForeign(service: string, make: (db: Knex) => Promise<unknown>, owner = 'postgres') {
  const postgres = databases.superuser('postgres')
  const away = `${service}_away_${process.pid}`
  const state = async () => {
    const { rows } = await postgres.raw(
      `select datacl::text, pg_get_userbyid(datdba) as owner, setconfig::text as settings
       from pg_database d left join pg_db_role_setting s on s.setdatabase = d.oid where datname = ?`,
      [service],
    )
    return rows
  }
  await postgres.raw('alter database ?? allow_connections false', [service])
  await postgres.raw('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ?', [service])
  await postgres.raw('alter database ?? rename to ??', [service, away])
  try {
    await postgres.raw('create database ?? owner ??', [service, owner])
    const login = readMigrateSettings(system.services, databases.env).superuser(service)
    const db = openDatabase(login, { application: 'tributary-test', pool: 1 })
    await make(db).finally(() => db.destroy())
    const before = await state()
    const { done, failed } = await migrate(system, readMigrateSettings(system.services, databases.env))
    expect([...done.keys()]).toEqual(services.filter((each) => each !== service))
    expect(await state()).toEqual(before)
    return failed.get(service as string)?.message
  } finally {
    await postgres.raw('drop database if exists ?? with (force)', [service])
    await postgres.raw('alter database ?? rename to ??', [away, service])
    await postgres.raw('alter database ?? allow_connections true', [service])
  }
}

test("a database of our name that is somebody else's is refused before anything of it is touched", async () => {
  const elsewhere = await withForeign('catalog', async (db) => {
    await db.raw('create schema shop')
    await db.raw('create table shop.products (id int)')
  })
  expect(elsewhere).toBe(
    `database "catalog" isn't ours: it has shop.products, and none of our migrations. Rename it, or use another server, ` +
      'or, where it is what the service has worked on until now, take it as it is: `npx --no tributary migrate --adopt catalog`',
  )
  const withAnOutbox = await withForeign('catalog', (db) => db.raw('create table outbox (id int)'))
  expect(withAnOutbox).toContain('it has public.outbox, and none of our migrations')
  const ofKnex = await withForeign('catalog', async (db) => {
    await db.raw('create table knex_migrations (id serial, name text, batch int, migration_time timestamptz)')
    await db('knex_migrations').insert({ name: '20240101_theirs.js', batch: 1 })
  })
  expect(ofKnex).toContain('migration 20240101_theirs.js')
  const empty = await withForeign('catalog', async () => {}, 'shipping')
  expect(empty).toContain(`database "catalog" isn't ours: it belongs to the login "shipping"`)
})

test('a database that a killed migration had just made is taken up again', async () => {
  const postgres = databases.superuser('postgres')
  const login = readMigrateSettings(system.services, databases.env).superuser('catalog')
  const name = `made_${process.pid}`
  await postgres.raw('create database ??', [name])
  const db = openDatabase({ ...login, database: name }, { application: 'tributary-test', pool: 1 })
  try {
    await refuseForeignDatabase(db, 'catalog')
    await runMigrations(db, [])
    await refuseForeignDatabase(db, 'catalog')
  } finally {
    await db.destroy()
    await postgres.raw('drop database ?? with (force)', [name])
  }
})

test("a login of our name that somebody else made isn't taken over, and the other services are migrated", async () => {
  const superuser = databases.superuser('postgres')
  const { rows } = await superuser.raw(`select rolpassword as verifier from pg_authid where rolname = 'reviews'`)
  await superuser.raw(`alter role reviews password 'theirs'; comment on role reviews is null`)
  try {
    const { done, failed } = await migrate(system, readMigrateSettings(system.services, databases.env))
    expect([...done.keys()]).toEqual(services.filter((service) => service !== 'reviews'))
    expect(failed.get('reviews')?.message).toMatch(/the login "reviews" on this server isn't ours/)
    await databases.as('reviews', 'theirs', 'reviews').raw('select 1')
  } finally {
    await superuser.raw(`alter role reviews password '${rows[0].verifier}'; comment on role reviews is 'tributary'`)
  }
})

test('no password stands in a statement', async () => {
  const settings = readMigrateSettings(system.services, databases.env)
  const superuser = databases.superuser('postgres')
  const statements: string[] = []
  const changed = { ...settings.passwords, verifier: "it's new" }
  const rights = await setUpRights(superuser)
  await ensureSharedLogins(
    superuser.on('query', ({ sql }) => statements.push(sql)),
    changed,
    rights,
  )
  await databases.as('verifier', "it's new", 'orders').raw('select 1')
  await ensureSharedLogins(superuser, settings.passwords, rights)
  await databases.as('verifier', settings.passwords.verifier, 'orders').raw('select 1')
  expect(statements.join()).toMatch(/alter role verifier .*SCRAM-SHA-256/)
  expect(statements.join()).not.toContain("it's new")
  expect(statements.join()).not.toContain(settings.passwords.verifier)
})

test('what is wrong with a publication is named and mended, with the rights of the maintainer', async () => {
  const superuser = databases.superuser('shipping')
  const maintainer = databases.maintainer('shipping')
  const breaks = {
    'alter publication outbox drop table outbox': "the publication doesn't have the outbox",
    'alter publication outbox set (publish_via_partition_root = false)': expect.stringContaining('partitions instead'),
    "alter publication outbox set (publish = 'update')": expect.stringContaining('leaves inserts out'),
    "alter publication outbox set table outbox where (type = 'x')": expect.stringContaining('only some rows'),
    'alter publication outbox set table outbox (id)': expect.stringContaining('only some columns'),
    'alter publication outbox add table shipments': expect.stringContaining('other tables'),
    'drop publication outbox': 'the publication is missing',
  }
  expect(await publicationFaults(maintainer)).toEqual([])
  for (const [statement, fault] of Object.entries(breaks)) {
    await superuser.raw(statement)
    expect(await mendPublication(maintainer), statement).toContainEqual(fault)
    expect(await publicationFaults(maintainer), statement).toEqual([])
  }
})

test('a publication that a superuser made anew is given back to the maintainer by whoever may', async () => {
  const superuser = databases.superuser('shipping')
  const maintainer = databases.maintainer('shipping')
  await superuser.raw('drop publication outbox')
  await superuser.raw('create publication outbox for table outbox')
  await expect(mendPublication(maintainer)).rejects.toThrow(/must be owner of publication/)
  expect(await mendPublication(superuser)).toEqual([
    "the publication has more than inserts (its option publish isn't 'insert')",
    expect.stringContaining('partitions instead'),
    `the publication belongs to "postgres": "maintainer" can't mend it`,
  ])
  await superuser.raw('drop publication outbox')
  expect(await mendPublication(superuser)).toEqual(['the publication is missing'])
  await superuser.raw('alter publication outbox set (publish_via_partition_root = false)')
  expect(await mendPublication(maintainer)).toHaveLength(1)
  expect(await mendPublication(superuser)).toEqual([])
})

test('a row that no record could carry is refused by the table, whoever writes it', async () => {
  const insert = databases.superuser('shipping').raw(
    `insert into outbox (id, aggregatetype, aggregateid, type, source, time, traceparent)
     values (gen_random_uuid(), 'a', repeat('k', 2000000), 't', 's', 't', 't')`,
  )
  await expect(insert).rejects.toThrow(/outbox_row_fits/)
})

test('the verifier reads every database and writes none', async () => {
  for (const service of services) {
    const verifier = databases.as('verifier', databases.env.VERIFY_DB_PASSWORD!, service)
    await verifier('outbox').limit(1)
    await expect(verifier('idempotency_keys').delete()).rejects.toThrow(/permission denied/)
  }
})

test('publication and slot are there before anything is written', async () => {
  for (const service of services) {
    const db = databases.superuser(service)
    const { rows } = await db.raw(`select pubinsert, pubupdate, pubdelete, pubviaroot from pg_publication`)
    expect(rows).toEqual([{ pubinsert: true, pubupdate: false, pubdelete: false, pubviaroot: true }])
    const slots = await db.raw('select plugin, database from pg_replication_slots where slot_name = ?', [
      `${service}_outbox`,
    ])
    expect(slots.rows).toEqual([{ plugin: 'pgoutput', database: service }])
  }
})

test('every fault of the settings is listed at once', () => {
  expect(() => readMigrateSettings(system.services, { POSTGRES_PORT: 'x' })).toThrow(
    /POSTGRES_PORT[\s\S]*MAINTAINER_DB_PASSWORD/,
  )
})

/** Asks the server something over a replication connection; gives the first row of the answer. */
async function askReplication(
  login: { user: string; password: string; database: string; replication: string },
  command: string,
): Promise<Record<string, string>> {
  const { host, port } = readMigrateSettings(system.services, databases.env).superuser('postgres')
  const client = new pg.Client({ host, port, ...login } as pg.ClientConfig)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(command)).rows[0]
  } finally {
    await client.end()
  }
}
