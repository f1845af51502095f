import pg from 'pg'
import { expect, test } from 'vitest'
import { connectStack } from '#testing/stack'
import { ensureRegistryDatabase } from './registry-database.ts'

const { env } = connectStack()
const at = {
  host: '127.0.0.1',
  port: Number(env.POSTGRES_PORT),
  user: 'postgres',
  password: env.POSTGRES_PASSWORD ?? '',
  registryPassword: env.REGISTRY_DB_PASSWORD ?? '',
}

const asSuperuser = { user: 'postgres', password: at.password }
const asRegistry = { user: 'registry', password: at.registryPassword }

async function query(database: string, sql: string, login = asSuperuser): Promise<pg.QueryResult> {
  const client = new pg.Client({ ...at, ...login, database })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}

test('a registry database whose first start was cut off is made anew, one in use is left alone', async () => {
  const database = `registry_${process.pid}`
  const tables = async () => {
    const { rows } = await query(database, `select tablename from pg_tables where schemaname = 'public' order by 1`)
    return rows.map((row) => row.tablename)
  }
  try {
    await ensureRegistryDatabase({ ...at, name: database })
    const half = 'create table apicurio (half int); create table sequences (seqname text, seqvalue bigint)'
    await query(database, half, asRegistry)
    const running = new pg.Client({ ...at, ...asRegistry, database })
    await running.connect()
    await ensureRegistryDatabase({ ...at, name: database })
    expect(await tables()).toEqual(['apicurio', 'sequences'])
    await running.end()
    await ensureRegistryDatabase({ ...at, name: database })
    expect(await tables()).toEqual([])

    await query(database, `create table sequences as select 'globalId' as seqname, 1 as seqvalue`, asRegistry)
    await ensureRegistryDatabase({ ...at, name: database })
    expect(await tables()).toEqual(['sequences'])
  } finally {
    await query('postgres', `drop database if exists ${database} with (force)`)
  }
})

test("somebody else's database, and one with somebody else's tables in it, is refused by name and stays", async () => {
  const database = `registry_foreign_${process.pid}`
  await ensureRegistryDatabase({ ...at, name: database })
  try {
    await query(database, 'create schema shop; create table shop.tills as select 1 as till')
    await expect(ensureRegistryDatabase({ ...at, name: database })).rejects.toThrow(
      `database "${database}" isn't the registry's: it has shop.tills of other logins. Rename it, or use another server`,
    )
    await query('postgres', `alter database ${database} owner to postgres`)
    await expect(ensureRegistryDatabase({ ...at, name: database })).rejects.toThrow(
      `database "${database}" isn't the registry's: it belongs to the login "postgres". Rename it, or use another server`,
    )
    expect((await query(database, 'select till from shop.tills')).rows).toEqual([{ till: 1 }])
  } finally {
    await query('postgres', `drop database if exists ${database} with (force)`)
  }
})

test("a login of the registry's name that somebody else made isn't taken over", async () => {
  const login = `registry_theirs_${process.pid}`
  const verifier = async () =>
    (await query('postgres', `select rolpassword from pg_authid where rolname = '${login}'`)).rows
  await query('postgres', `create role ${login} login password 'theirs'`)
  try {
    const before = await verifier()
    await expect(ensureRegistryDatabase({ ...at, login, name: login })).rejects.toThrow(
      `the login "${login}" on this server isn't ours`,
    )
    expect(await verifier()).toEqual(before)
    expect((await query('postgres', `select 1 from pg_database where datname = '${login}'`)).rowCount).toBe(0)
  } finally {
    await query('postgres', `drop role ${login}`)
  }
})
