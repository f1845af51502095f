import { readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import type { Document } from '#sinks/read-models/document.ts'

/** Where the services' databases are, and the read-only login that may see all of them. */
export interface SourceSettings {
  readonly host: string
  readonly port: number
  readonly password: string
  /** The database in which a session may make temporary tables: one of the services'. */
  readonly home: string
}

const LOGIN = 'verifier'
/** What is loaded: a service's table, and its columns as tables.sql has them. */
const TABLES: readonly { readonly service: string; readonly table: string; readonly columns: string }[] = [
  { service: 'customers', table: 'customers', columns: 'customer_id, unique_id, zip, city, state' },
  { service: 'catalog', table: 'products', columns: 'product_id, category' },
  { service: 'catalog', table: 'sellers', columns: 'seller_id, city, state' },
  { service: 'catalog', table: 'category_translations', columns: 'category, english' },
  {
    service: 'orders',
    table: 'orders',
    columns: 'order_id, customer_id, status, purchased_at, approved_at, estimated_at',
  },
  {
    service: 'orders',
    table: 'items',
    columns: 'order_id, item_no, product_id, seller_id, price_cents, freight_cents, ship_by',
  },
  { service: 'payments', table: 'payments', columns: 'order_id, sequence, type, installments, cents' },
  { service: 'shipping', table: 'shipments', columns: 'shipment_id, order_id, status, shipped_at, delivered_at' },
  { service: 'reviews', table: 'reviews', columns: 'order_id, review_id, score, created_at, answered_at' },
]

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

/** Whose rows a read model is recomputed from. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  orders: ['orders', 'customers', 'catalog', 'payments', 'shipping', 'reviews'],
  sales: ['orders', 'customers', 'catalog'],
  customers: ['orders', 'customers', 'payments', 'reviews'],
  sellers: ['catalog', 'orders', 'shipping', 'reviews'],
}

/** Makes the temporary tables, empty, in a session that is open. */
export async function sourcesOn(home: pg.Client): Promise<Sources> {
  await home.query(readFileSync(new URL('./tables.sql', import.meta.url), 'utf8'))
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
export async function loadSources(settings: SourceSettings): Promise<Sources> {
  const home = await connect(settings, settings.home).catch((error) => {
    throw new ServiceAway(awayWords(settings.home, error))
  })
  try {
    await home.query(`set work_mem = '256MB'`)
    await home.query(`set temp_buffers = '256MB'`)
    const sources = await sourcesOn(home)
    const away = new Map<string, string>()
    for (const service of new Set(TABLES.map((table) => table.service))) {
      await copyService(settings, service, home).catch((error) => {
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
  sources: Sources,
  readModel: string,
  keys?: readonly string[],
): Promise<{ key: string; document: Document }[]> {
  const away = NEEDED[readModel]!.flatMap((service) => sources.away.get(service) ?? [])
  if (away.length > 0) throw new ServiceAway(away.join('; '))
  const sql = readFileSync(new URL(`./${readModel}.sql`, import.meta.url), 'utf8')
  return sources.query(`select * from (${sql}) recomputed ${keys ? 'where key = any($1)' : ''}`, keys ? [keys] : [])
}

function awayWords(service: string, error: unknown): string {
  const { message, code } = error as Error & { readonly code?: string }
  return `the database of service "${service}" can't be read: ${message || code}`
}

async function copyService(settings: SourceSettings, service: string, home: pg.Client): Promise<void> {
  const source = await connect(settings, service)
  try {
    await source.query('begin isolation level repeatable read read only')
    for (const { table, columns } of TABLES.filter((t) => t.service === service)) {
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

async function connect({ host, port, password }: SourceSettings, database: string): Promise<pg.Client> {
  const client = new pg.Client({
    host,
    port,
    database,
    user: LOGIN,
    password,
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
