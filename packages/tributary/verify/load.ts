import { readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { type DatabaseLogin, postgresOptions } from '#database/connect'
import type { Document } from '#read-models/document'
import type { CopiedTable, Verification } from './definition.ts'
import { RECORD_KEY_SQL } from './record-key.ts'

/** Where the services' databases are, and the read-only login that may see all of them. */
export interface SourceSettings {
  readonly loginOf: (service: string) => DatabaseLogin
  /** The database in which a session may make temporary tables: one of the services'. */
  readonly home: string
}

/** All of the services' rows in one place: a session of its own, with temporary tables. */
export interface Sources {
  /** A query over all services' tables. */
  query<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>
  /** Services whose rows could not be copied, and why. */
  readonly away: ReadonlyMap<string, string>
  close(): Promise<void>
}

/** Rows of these services are needed for a read model and can't be had. */
export class ServiceAway extends Error {
  override readonly name = 'ServiceAway'
}

/** Makes the temporary tables, empty, and what their SQL may call, in a session that is open. */
export async function sourcesOn({ tables }: Verification, home: pg.Client): Promise<Sources> {
  await home.query(RECORD_KEY_SQL)
  await home.query(readFileSync(tables, 'utf8'))
  return {
    query: async <Row>(sql: string, values: readonly unknown[] = []) =>
      (await home.query(sql, [...values])).rows as Row[],
    away: new Map(),
    close: () => home.end(),
  }
}

/**
 * Copies the services' tables into temporary tables, one snapshot per database. The snapshots share no position: what
 * changes meanwhile is for the caller to look at again. A service whose database is away takes only the read models
 * with it that need its rows.
 */
export async function loadSources(verification: Verification, settings: SourceSettings): Promise<Sources> {
  const home = await connect(settings, settings.home).catch((error) => {
    throw new ServiceAway(awayWords(settings.home, error))
  })
  try {
    await home.query(`set work_mem = '256MB'`)
    await home.query(`set temp_buffers = '256MB'`)
    const sources = await sourcesOn(verification, home)
    const away = new Map<string, string>()
    const byService = Map.groupBy(verification.copied, ({ service }) => service)
    for (const [service, tables] of byService) {
      await copyService(settings, service, tables, home).catch((error) => {
        away.set(service, awayWords(service, error))
      })
    }
    await home.query('analyze')
    return { ...sources, away }
  } catch (error) {
    await home.end().catch(() => {})
    throw error
  }
}

/**
 * What the services' rows say a read model's documents are, by key; of some keys only where they are named.
 * Throws `ServiceAway` where rows it needs aren't there.
 */
export async function recompute(
  { readModels }: Verification,
  sources: Sources,
  readModel: string,
  keys?: readonly string[],
): Promise<{ key: string; document: Document }[]> {
  const recomputed = readModels[readModel]
  if (!recomputed) throw new Error(`the config's verify says nothing of the read model "${readModel}"`)
  const away = recomputed.of.flatMap((service) => sources.away.get(service) ?? [])
  if (away.length > 0) throw new ServiceAway(away.join('; '))
  const sql = readFileSync(recomputed.sql, 'utf8')
  return sources.query(`select * from (${sql}) recomputed ${keys ? 'where key = any($1)' : ''}`, keys ? [keys] : [])
}

function awayWords(service: string, error: unknown): string {
  const { message, code } = error as Error & { readonly code?: string }
  return `the database of service "${service}" can't be read: ${message || code}`
}

async function copyService(
  settings: SourceSettings,
  service: string,
  tables: readonly CopiedTable[],
  home: pg.Client,
): Promise<void> {
  const source = await connect(settings, service)
  try {
    await source.query('begin isolation level repeatable read read only')
    for (const { table, columns } of tables) {
      await pipeline(
        source.query(copyTo(`copy (select ${columns} from public.${table}) to stdout`)),
        home.query(copyFrom(`copy pg_temp.${table} (${columns}) from stdin`)),
      )
    }
  } finally {
    await source.end()
  }
}

/** How long a database may take to answer at all, in ms. */
const CONNECT_MS = 10_000

async function connect({ loginOf }: SourceSettings, service: string): Promise<pg.Client> {
  const client = new pg.Client({
    ...postgresOptions(loginOf(service)),
    application_name: 'tributary-verify',
    connectionTimeoutMillis: CONNECT_MS,
    // Columns are copied as text: both sides have to write times alike.
    options: '-c TimeZone=UTC -c DateStyle=ISO',
  })
  // A session that ends by itself fails the query that is made with it.
  client.on('error', () => {})
  await client.connect()
  return client
}
