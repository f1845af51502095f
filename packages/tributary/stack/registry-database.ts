import pg from 'pg'
import { type DatabaseLogin, postgresOptions } from '#database/connect'
import { maintenanceDatabase } from '#database/maintenance'
import { loginQuestion, loginStatements, RIGHTS_QUESTION } from '#runtime/postgres-login'

export interface RegistryDatabase {
  /** Where, and by whom: a superuser, or whoever may make logins and databases. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly tls?: DatabaseLogin['tls']
  readonly registryPassword: string
  /** The registry's database's name; `registry` where it is left out. */
  readonly name?: string
  /** The login's; the same. */
  readonly login?: string
}

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
const IN_USE = '55006'

/**
 * Makes the registry's database and login where they are missing, before the registry can start; the services' own are
 * made by `migrate`. PostgreSQL must be up.
 *
 * A database in which no schema was ever registered is made anew: the registry may have been ended half-way through
 * making its tables, and then never starts again by itself. One that somebody is connected to is left alone.
 *
 * Throws when the login or the database is somebody else's; neither is touched then.
 */
export async function ensureRegistryDatabase(at: RegistryDatabase): Promise<void> {
  const { name = 'registry', login = 'registry' } = at
  const { host, port, user, password, tls } = at
  const entered = await maintenanceDatabase({ host, port, user, password, tls, database: name }, name)
  const client = await connect(at, entered)
  try {
    const rights = (await client.query(RIGHTS_QUESTION)).rows[0]
    const found = (await client.query(`${loginQuestion(rights)} $1`, [login])).rows[0]
    const statements = loginStatements(login, at.registryPassword, found, rights)
    const { rows } = await client.query('select pg_get_userbyid(datdba) as owner from pg_database where datname = $1', [
      name,
    ])
    const [database] = rows as { owner: string }[]
    // One that somebody made for us (`migrate --sql`) isn't looked into: it is closed to whoever sets up.
    const made = database?.owner === login && found?.changeable === false
    // Whoever is no superuser sees and gives only what belongs to a role it is in.
    const join = async () => {
      if (!rights.superuser) await client.query(`grant ${login} to current_user with inherit true, set true`)
    }
    if (found?.changeable) await join()
    const use = made ? 'used' : database && (await useOf(at, name, login, database.owner))
    // In one transaction: without its mark a login would be taken for somebody else's.
    if (statements.length > 0) await client.query(statements.join(';'))
    if (use === 'used') return
    await join()
    await client.query(`drop database if exists ${client.escapeIdentifier(name)}`)
    await client.query(`create database ${client.escapeIdentifier(name)} owner ${login}`)
    await client.query(`revoke all on database ${client.escapeIdentifier(name)} from public`)
  } catch (error) {
    // PostgreSQL waits five seconds for others to leave, then refuses: the registry is running.
    if ((error as pg.DatabaseError).code !== IN_USE) throw error
  } finally {
    await client.end()
  }
}

/**
 * Whether a schema was ever registered: the registry counts their ids in its table `sequences`. The database is the
 * registry's where it belongs to its login, and all that is in it does.
 */
async function useOf(at: RegistryDatabase, name: string, login: string, owner: string): Promise<'used' | 'unused'> {
  const foreign = (why: string) =>
    new Error(`database "${name}" isn't the registry's: ${why}. Rename it, or use another server`)
  if (owner !== login) throw foreign(`it belongs to the login "${owner}"`)
  const client = await connect(at, name)
  try {
    const { rows } = await client.query(
      `select quote_ident(nspname) || '.' || quote_ident(relname) as name, pg_get_userbyid(relowner) = $1 as own
       from pg_class c join pg_namespace n on n.oid = relnamespace
       where relkind in ('r', 'p', 'v', 'm', 'f', 'S') and nspname !~ '^pg_' and nspname <> 'information_schema'
       order by 1`,
      [login],
    )
    const others = rows.filter(({ own }) => !own)
    const counts = rows.some(({ own, name }) => own && name === 'public.sequences')
    if (counts && (await client.query('select 1 from public.sequences limit 1')).rowCount === 1) return 'used'
    if (others.length > 0) throw foreign(`it has ${others.map((one) => one.name).join(', ')} of other logins`)
    return 'unused'
  } finally {
    await client.end()
  }
}

async function connect(at: RegistryDatabase, database: string): Promise<pg.Client> {
  const { host, port, user, password, tls } = at
  const client = new pg.Client(postgresOptions({ host, port, user, password, tls, database }))
  await client.connect()
  return client
}
