import type { ConnectionOptions } from 'node:tls'
import knex, { type Knex } from 'knex'
import pg from 'pg'

const { builtins, getTypeParser } = pg.types

/** How clients of ours read columns. bigint ones hold cents and counts, all far below 2^53: they become numbers. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === builtins.INT8 ? Number : getTypeParser(oid, format as never)) as typeof getTypeParser,
}

/** A database and who enters it. */
export interface DatabaseLogin {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  /** Where TLS is spoken. `ca`: the certificates (PEM) that are trusted in place of the ones that Node brings. */
  readonly tls?: { readonly ca?: string } | undefined
}

/** What every client of `pg` is opened with: where a database is, who enters it, and how columns are read. */
export function postgresOptions({ tls, ...login }: DatabaseLogin): Omit<DatabaseLogin, 'tls'> & {
  readonly ssl?: ConnectionOptions
  readonly types: pg.CustomTypesConfig
} {
  return { ...login, types, ...(tls && { ssl: { ...tls } }) }
}

/**
 * Opens a pool of connections; nothing connects before the first query. Sessions run in UTC.
 * @param options.lockTimeoutMs how long its statements wait for a lock; as the server says where it is left out
 * @param options.statementTimeoutMs how long a statement may take in all; likewise
 */
export function openDatabase(
  login: DatabaseLogin,
  options: {
    readonly application: string
    readonly pool?: number
    readonly lockTimeoutMs?: number
    readonly statementTimeoutMs?: number
  },
): Knex {
  const size = options.pool ?? 10
  const settings = {
    timezone: 'UTC',
    lock_timeout: options.lockTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
  }
  const set = Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : `-c ${name}=${value}`))
  return knex({
    client: 'pg',
    connection: {
      ...postgresOptions(login),
      application_name: options.application,
      options: set.join(' '),
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    },
    pool: { min: 0, max: size },
    acquireConnectionTimeout: 10_000,
    log: silent,
  })
}

/** A `pg` pool as the machine's own statements take it, which reads columns as its owner has it. The pool stays its owner's: destroying this doesn't end it. */
export function onPool(pool: pg.Pool): Knex {
  // A connection that breaks while it is in use tells those who wait for it; untold, it would end the process besides.
  pool.on('connect', (client) => void client.on('error', () => {}))
  return knex({ client: 'pg', connectionPool: pool, log: silent })
}

/** What fails is thrown; knex would say it a second time on standard error. */
const silent = { warn: () => {}, error: () => {}, deprecate: () => {}, debug: () => {} }
