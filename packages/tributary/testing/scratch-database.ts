import { createHash, randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { type DatabaseLogin, openDatabase } from '#database/connect'
import { ensureServiceLogins, ensureSharedLogins } from '#database/logins'
import { setUpRights } from '#database/maintenance'
import { alone, migrateTables } from '#database/migrate'
import { MAINTAINER } from '#outbox/publication'
import { type FoundLogin, loginQuestion } from '#runtime/postgres-login'
import { verifies } from '#runtime/scram'
import type { ServiceDefinition } from '#service/definition'
import { scratchPostgres } from './scratch-postgres.ts'

/** A database of a test's own. */
export interface ScratchDatabase extends AsyncDisposable {
  /** As the service enters it, with no more rights than it has when it runs. */
  readonly service: DatabaseLogin
  /** As somebody who may do everything. */
  readonly superuser: DatabaseLogin
}

/** Of the logins on a server that is there for tests alone. */
const PASSWORD = 'scratch'
const APPLICATION = 'tributary-scratch'

/**
 * An empty database of a service, migrated as `tributary migrate` does (without a slot: nothing reads its events), on the
 * server that `scratchPostgres` gives. The first one of a service takes a second; the others are copies of it.
 */
export async function scratchDatabase(service: ServiceDefinition): Promise<ScratchDatabase> {
  const server = await scratchPostgres()
  const template = templateOf(service)
  const database = `${template}_${randomBytes(4).toString('hex')}`
  const entered = <T>(work: (db: Knex) => Promise<T>, name = 'postgres') =>
    entering({ ...server, database: name }, work)
  await entered((postgres) =>
    alone(postgres, async () => {
      const { rows } = await postgres.raw('select 1 from pg_database where datname = ?', [template])
      if (rows.length === 0) await makeTemplate(postgres, service, template, entered)
      await postgres.raw('create database ?? template ??', [database, template])
    }),
  )
  return {
    service: { ...server, database, user: service.name, password: PASSWORD },
    superuser: { ...server, database },
    [Symbol.asyncDispose]: () =>
      entered(async (postgres) => {
        await postgres.raw('drop database if exists ?? with (force)', [database])
      }),
  }
}

/** Named after what is in it, so that a server which outlives a change of the migrations gives no old one. */
function templateOf({ name, migrations, subscriptions }: ServiceDefinition): string {
  const steps = migrations.map(({ name, up }) => [name, String(up)])
  const mark = createHash('sha256')
    .update(JSON.stringify([steps, subscriptions.length > 0]))
    .digest('hex')
  return `scratch_${name}_${mark.slice(0, 8)}`
}

async function makeTemplate(
  postgres: Knex,
  service: ServiceDefinition,
  template: string,
  entered: (work: (db: Knex) => Promise<void>, name: string) => Promise<void>,
): Promise<void> {
  await refuseOthersLogins(postgres)
  const { name } = service
  const passwords = {
    service: { [name]: PASSWORD },
    connector: { [name]: PASSWORD },
    verifier: PASSWORD,
    freshness: PASSWORD,
    maintainer: PASSWORD,
  }
  const rights = await setUpRights(postgres)
  await ensureSharedLogins(postgres, passwords, rights)
  await ensureServiceLogins(postgres, name, passwords, rights)
  // It gets its name when it is whole: what a killed test left half-made is made again.
  const making = `${template}_making`
  await postgres.raw('drop database if exists ?? with (force)', [making])
  await postgres.raw('create database ?? template template0 encoding utf8', [making])
  await entered((db) => migrateTables(db, service), making)
  await postgres.raw('alter database ?? rename to ??', [making, template])
}

/** A running system's logins would get our password. */
async function refuseOthersLogins(postgres: Knex): Promise<void> {
  const { rows } = await postgres.raw(`${loginQuestion(await setUpRights(postgres))} ?`, [MAINTAINER])
  const [found] = rows as FoundLogin[]
  if (!found || verifies(found.verifier, PASSWORD)) return
  throw new Error(
    'a system has its logins on the server that TEST_POSTGRES_URL names: give one that is there for tests alone',
  )
}

async function entering<T>(login: DatabaseLogin, work: (db: Knex) => Promise<T>): Promise<T> {
  const db = openDatabase(login, { application: APPLICATION, pool: 1 })
  try {
    return await work(db)
  } finally {
    await db.destroy()
  }
}
