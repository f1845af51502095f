import type { Knex } from 'knex'
import { RIGHTS_QUESTION, type SetUpRights } from '#runtime/postgres-login'
import { type DatabaseLogin, openDatabase } from './connect.ts'

/** Where databases and logins are made from. */
const MAINTENANCE = 'postgres'

/** That a login isn't let into a database: pg_hba.conf, no CONNECT, no such database. */
const SHUT_OUT = new Set(['28000', '42501', '3D000'])

/**
 * The database that databases and logins are made from: `postgres`, or, where whoever sets up isn't let in there, the
 * service's own. Rejects as connecting does.
 */
export async function maintenanceDatabase(login: DatabaseLogin, service: string): Promise<string> {
  const db = openDatabase({ ...login, database: MAINTENANCE }, { application: 'tributary-migrate', pool: 1 })
  try {
    await db.raw('select 1')
    return MAINTENANCE
  } catch (error) {
    if (SHUT_OUT.has((error as { code?: string }).code ?? '')) return service
    throw error
  } finally {
    await db.destroy()
  }
}

/** What whoever sets up may do. Throws where it may make no slots. */
export async function setUpRights(db: Knex): Promise<SetUpRights> {
  const { rows } = await db.raw(RIGHTS_QUESTION)
  const [rights] = rows as SetUpRights[]
  if (!rights!.replicates) {
    const { name, replicationRole } = rights!
    const remedy = replicationRole ? `grant ${replicationRole} to ${name}` : `alter role ${name} replication`
    throw new Error(`the login "${name}" sets up, and mayn't replicate, so it can't make slots: ${remedy}`)
  }
  return rights!
}
