import pg from 'pg'
import { expect, test } from 'vitest'
import { connectStack } from '../tests/harness/stack.ts'
import { ensureRegistryDatabase } from './registry-database.ts'

const { env } = connectStack()
const at = {
  host: '127.0.0.1',
  port: Number(env.POSTGRES_PORT),
  superuserPassword: env.POSTGRES_PASSWORD ?? '',
  registryPassword: env.REGISTRY_DB_PASSWORD ?? '',
}

async function query(database: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ ...at, user: 'postgres', password: at.superuserPassword, database })
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
    await ensureRegistryDatabase({ ...at, database })
    await query(database, 'create table apicurio (half int); create table sequences (seqname text, seqvalue bigint)')
    const running = new pg.Client({ ...at, user: 'postgres', password: at.superuserPassword, database })
    await running.connect()
    await ensureRegistryDatabase({ ...at, database })
    expect(await tables()).toEqual(['apicurio', 'sequences'])
    await running.end()
    await ensureRegistryDatabase({ ...at, database })
    expect(await tables()).toEqual([])

    await query(database, `create table sequences as select 'globalId' as seqname, 1 as seqvalue`)
    await ensureRegistryDatabase({ ...at, database })
    expect(await tables()).toEqual(['sequences'])
  } finally {
    await query('postgres', `drop database if exists ${database} with (force)`)
  }
})
