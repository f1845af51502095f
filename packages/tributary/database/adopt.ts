import type { Knex } from 'knex'
import { PUBLICATION } from '#outbox/schema'
import { runMigrations, STEPS } from './migrations.ts'

/** The step that every database of ours has run before any other. */
export const FIRST_STEP = 'outbox/001_outbox'

/**
 * The table that notes the steps in a database that was adopted, and by being there, that it was. (Knex's own may be there
 * already, with the steps of another program.)
 */
export const ADOPTED_STEPS = 'tributary_migrations'

/** Relations of ours in a database, whatever service it is of. */
const OURS = `^((outbox|inbox)(_.*)?|idempotency_keys|${ADOPTED_STEPS}.*)$`

/** Whether a database was somebody's before it was ours, and still may be. */
export async function isAdopted(db: Knex): Promise<boolean> {
  const { rows } = await db.raw('select to_regclass(?) is not null as is', [`public.${ADOPTED_STEPS}`])
  return rows[0].is
}

interface Found {
  readonly owner: string
  readonly me: string
  /** Whether whoever sets up is the owner, or has its rights. */
  readonly owns: boolean
  /** Relations, by their whole names, but for those that note steps. */
  readonly holds: readonly string[]
  readonly publication: boolean
  /** Steps that have run, by knex's own table. */
  readonly steps: readonly string[]
}

async function look(db: Knex): Promise<Found> {
  const { rows } = await db.raw(
    `select to_regclass('public.${STEPS}') is not null as migrates,
            (select pg_get_userbyid(datdba) from pg_database where datname = current_database()) as owner,
            (select pg_has_role(datdba, 'USAGE') from pg_database where datname = current_database()) as owns,
            exists (select from pg_publication where pubname = '${PUBLICATION}') as publication,
            current_user as me,
            array(select quote_ident(nspname) || '.' || quote_ident(relname)
                  from pg_class c join pg_namespace n on n.oid = relnamespace
                  where relkind in ('r', 'p', 'v', 'm', 'f', 'S') and nspname !~ '^pg_' and nspname <> 'information_schema'
                    and not (nspname = 'public' and relname ~ '^${STEPS}')
                  order by 1) as holds`,
  )
  const [{ migrates, ...found }] = rows
  // Another program's, that mayn't be read, has steps as well.
  const steps = migrates
    ? await db(STEPS)
        .select('name')
        .catch(() => [{ name: 'of another login' }])
    : []
  return { ...found, steps: steps.map(({ name }: { name: string }) => name) }
}

/**
 * Refuses a database of our name that is somebody else's, before anything of it is touched. Ours has run our first migration,
 * was adopted, or was just made: by this login, and there is nothing in it yet (but what knex makes first).
 */
export async function refuseForeignDatabase(db: Knex, service: string): Promise<void> {
  if (await isAdopted(db)) return
  const { owner, me, holds, steps } = await look(db)
  if (steps.includes(FIRST_STEP)) return
  const not = `database "${service}" isn't ours`
  const remedy =
    'Rename it, or use another server, or, where it is what the service has worked on until now, take it as it is: ' +
    `\`npx --no tributary migrate --adopt ${service}\``
  const others = [...holds, ...steps.map((step) => `migration ${step}`)]
  if (others.length > 0) throw new Error(`${not}: it has ${some(others)}, and none of our migrations. ${remedy}`)
  if (owner !== me) throw new Error(`${not}: it belongs to the login "${owner}". ${remedy}`)
}

/**
 * Takes a database as it is: notes that what is in it is somebody else's, and may go on being so. Nothing of it is changed.
 * Throws where something in it has a name that is to be ours. One that is ours already stays what it is.
 */
export async function adopt(db: Knex, service: string): Promise<void> {
  if (await isAdopted(db)) return
  const { owner, me, owns, holds, publication, steps } = await look(db)
  if (steps.includes(FIRST_STEP)) return
  if (!owns) {
    throw new Error(
      `database "${service}" belongs to the login "${owner}", and "${me}" hasn't its rights: set up as "${owner}" ` +
        `(${service.toUpperCase()}_POSTGRES_USER), or grant ${owner} to ${me}`,
    )
  }
  const ours = new RegExp(OURS)
  const clash = [
    ...holds.filter((name) => name.startsWith('public.') && ours.test(name.slice('public.'.length))),
    ...(publication ? [`publication ${PUBLICATION}`] : []),
  ]
  if (clash.length > 0) {
    throw new Error(`database "${service}" has ${some(clash)} of its own, where ours would be: rename that first`)
  }
  await runMigrations(db, [], ADOPTED_STEPS)
}

function some(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : ''
  return `${names.slice(0, 5).join(', ')}${more}`
}
