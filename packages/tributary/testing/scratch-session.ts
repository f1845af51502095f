import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { postgresOptions } from '#database/connect'
import { scratchPostgres } from './scratch-postgres.ts'

/** Does work in a session on an empty database, which is dropped afterwards. Times are UTC and written as verification has them. */
export async function inScratchSession<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const server = await scratchPostgres()
  const database = `scratch_session_${randomBytes(4).toString('hex')}`
  return entered({ ...server, database: 'postgres' }, async (postgres) => {
    await postgres.query(`create database ${database} template template0 encoding utf8`)
    try {
      return await entered({ ...server, database }, work)
    } finally {
      await postgres.query(`drop database ${database} with (force)`)
    }
  })
}

async function entered<T>(
  login: Parameters<typeof postgresOptions>[0],
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const options = postgresOptions(login)
  const read = options.types.getTypeParser
  const client = new pg.Client({
    ...options,
    application_name: 'tributary-scratch',
    options: '-c TimeZone=UTC -c DateStyle=ISO -c client_min_messages=warning',
    types: { getTypeParser: ((id, format) => (id === NUMERIC ? Number : read(id, format as never))) as typeof read },
  })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** What a sum of `bigint` is. */
const NUMERIC = pg.types.builtins.NUMERIC
