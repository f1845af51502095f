import pg from 'pg'
import { scramVerifier } from '#runtime/scram.ts'

export interface RegistryDatabase {
  readonly host: string
  readonly port: number
  readonly superuserPassword: string
  readonly registryPassword: string
  /** Its name; `registry` where it is left out. */
  readonly database?: string
}

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
const IN_USE = '55006'

/**
 * Makes the registry's database and login where they are missing, before the registry can start; the services' own are
 * made by `migrate`. PostgreSQL must be up.
 *
 * A database in which no schema was ever registered is made anew: the registry may have been ended half-way through
 * making its tables, and then never starts again by itself. One that somebody is connected to is left alone.
 */
export async function ensureRegistryDatabase(at: RegistryDatabase): Promise<void> {
  const { host, port, superuserPassword, database: name = 'registry' } = at
  const client = new pg.Client({ host, port, user: 'postgres', password: superuserPassword, database: 'postgres' })
  await client.connect()
  try {
    // What PostgreSQL keeps of the password, not the password: statements may be logged.
    const password = client.escapeLiteral(scramVerifier(at.registryPassword))
    const login = await client.query(`select 1 from pg_roles where rolname = 'registry'`)
    await client.query(`${login.rowCount ? 'alter' : 'create'} role registry with login password ${password}`)
    const database = await client.query('select 1 from pg_database where datname = $1', [name])
    if (database.rowCount && (await wasUsed(at))) return
    await client.query(`drop database if exists ${client.escapeIdentifier(name)}`)
    await client.query(`create database ${client.escapeIdentifier(name)} owner registry`)
    await client.query(`revoke all on database ${client.escapeIdentifier(name)} from public`)
  } catch (error) {
    // PostgreSQL waits five seconds for others to leave, then refuses: the registry is running.
    if ((error as pg.DatabaseError).code !== IN_USE) throw error
  } finally {
    await client.end()
  }
}

/** Whether a schema was ever registered: the registry counts their ids in the table `sequences`. */
async function wasUsed({ host, port, superuserPassword: password, database = 'registry' }: RegistryDatabase) {
  const client = new pg.Client({ host, port, user: 'postgres', password, database })
  await client.connect()
  try {
    const table = await client.query(`select to_regclass('public.sequences') is not null as there`)
    if (!table.rows[0].there) return false
    return (await client.query('select 1 from sequences limit 1')).rowCount === 1
  } finally {
    await client.end()
  }
}
