import pg from 'pg'

/**
 * Makes the registry's database and login where they are missing, before the registry can start; the services' own are
 * made by `migrate`. PostgreSQL must be up.
 */
export async function ensureRegistryDatabase(at: {
  readonly host: string
  readonly port: number
  readonly superuserPassword: string
  readonly registryPassword: string
}): Promise<void> {
  const { host, port, superuserPassword } = at
  const client = new pg.Client({ host, port, user: 'postgres', password: superuserPassword, database: 'postgres' })
  await client.connect()
  try {
    const password = client.escapeLiteral(at.registryPassword)
    const login = await client.query(`select 1 from pg_roles where rolname = 'registry'`)
    await client.query(`${login.rowCount ? 'alter' : 'create'} role registry with login password ${password}`)
    const database = await client.query(`select 1 from pg_database where datname = 'registry'`)
    if (!database.rowCount) await client.query('create database registry owner registry')
  } finally {
    await client.end()
  }
}
