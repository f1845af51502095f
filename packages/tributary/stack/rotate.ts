import { existsSync } from 'node:fs'
import { openDatabase } from '#database/connect'
import { connectorLogin, FRESHNESS, VERIFIER } from '#database/logins'
import { maintenanceDatabase } from '#database/maintenance'
import { readServer, readSuperuser } from '#database/settings'
import { MAINTAINER } from '#outbox/schema'
import { documented } from '#runtime/documented'
import { usesDocker } from './docker.ts'
import { addressesOf, readStackSettings, type StackSettings } from './environment.ts'
import { readSelection } from './home.ts'
import { placesOf } from './places.ts'
import type { Say } from './say.ts'
import { readSecrets, secretsFile } from './secrets.ts'
import type { CommandExists } from './set-up.ts'
import type { Shape } from './shape.ts'
import { up } from './up.ts'

type Env = Readonly<Record<string, string | undefined>>

/** A password that is left as it is. */
interface Kept {
  readonly name: string
  /** Who changes it, and how. */
  readonly remedy: string
}

/**
 * Gives every login that the stack made a new password, and what enters with one the new one: PostgreSQL's logins first, then
 * Kafka Connect, registry, and our processes, each started anew. It may be ended at any moment, also by `kill -9`: this, or `up`, goes on
 * with the same passwords. Until a process is started anew its open connections stay; a new one is refused, and its caller told to try again.
 *
 * Passwords that aren't ours are left, and said with who changes them.
 * @param env as it was completed for a command (`completeEnvironment`)
 */
export async function rotatePasswords(shape: Shape, env: Env, commandExists: CommandExists, say: Say): Promise<void> {
  const { home } = readStackSettings(shape, env)
  const known = readSecrets(home)
  if (!existsSync(secretsFile(home))) throw new Error(`there are no passwords in ${home} yet: \`up\` makes them`)
  // What stands in secrets.env was put into the environment: it would pass for a password that somebody chose.
  const chosen = Object.fromEntries(Object.entries(env).filter(([name, value]) => known[name] !== value))
  const settings = readStackSettings(shape, chosen)
  if (usesDocker(settings))
    throw new Error(`passwords rotate is for the native stack; with Docker: ${documented('guide/passwords.md')}`)
  const { names, kept } = await planRotation(settings, chosen, known)
  for (const { name, remedy } of kept) say.line(`${name} stays: ${remedy}`)
  if (names.length === 0) return say.line('no password is ours')
  const only = readSelection(placesOf(settings))
  await up(settings, { commandExists, say, only, keep: true, rotate: names })
  say.line(`${names.length} passwords are new`)
}

/** Which secrets are ours to change. */
export async function planRotation(
  settings: StackSettings,
  chosen: Env,
  known: Readonly<Record<string, string>>,
): Promise<{ readonly names: readonly string[]; readonly kept: readonly Kept[] }> {
  const { shape, given } = settings
  const kept = new Map<string, string>()
  const env = { ...known, ...addressesOf(settings) }
  const isGiven = (server: string) => given.servers.some((name) => name === server)
  if (isGiven('postgres')) kept.set('POSTGRES_PASSWORD', "the server's: `alter role … password` there, then in .env")
  const keepFixed = async (database: string, secrets: Readonly<Record<string, string>>) => {
    if (!readServer(database, env).given) return
    for (const login of await fixedLogins(database, Object.keys(secrets), env))
      kept.set(
        secrets[login]!,
        `somebody else made the login "${login}": \`alter role ${login} password …\` there and the variable in .env at once, then \`up\``,
      )
  }
  for (const service of shape.services) {
    const [own, connector] = [`${service.toUpperCase()}_DB_PASSWORD`, `${service.toUpperCase()}_CONNECTOR_PASSWORD`]
    await keepFixed(service, { ...SHARED, [service]: own, [connectorLogin(service)]: connector })
    if (isGiven('connect'))
      kept.set(
        connector,
        "Kafka Connect's workers have it in their environment: choose another in .env, change it there, then `migrate`",
      )
  }
  if (!isGiven('registry')) await keepFixed('registry', { registry: 'REGISTRY_DB_PASSWORD' })
  for (const name of shape.secretNames)
    if (given.setUp[name] && !kept.has(name)) kept.set(name, 'it is chosen in .env: choose another there, then `up`')
  for (const [name, remedy] of Object.entries(OTHERS)) if (chosen[name]) kept.set(name, remedy)
  const unused = isGiven('registry') ? ['REGISTRY_DB_PASSWORD'] : []
  return {
    names: shape.secretNames.filter((name) => known[name] && !kept.has(name) && !unused.includes(name)),
    kept: [...kept].map(([name, remedy]) => ({ name, remedy })),
  }
}

/** Secrets of the logins that are on every server. */
const SHARED = {
  [VERIFIER]: 'VERIFY_DB_PASSWORD',
  [FRESHNESS]: 'FRESHNESS_DB_PASSWORD',
  [MAINTAINER]: 'MAINTAINER_DB_PASSWORD',
}

/** Of servers that are given. */
const there = 'change it at the server and in .env, then `up`'
const OTHERS: Readonly<Record<string, string>> = {
  KAFKA_PASSWORD: there,
  REGISTRY_PASSWORD: there,
  CONNECT_PASSWORD: there,
  ELASTICSEARCH_PASSWORD: there,
  ELASTICSEARCH_API_KEY: 'make another key, put it into .env, `up`, and invalidate the old one',
}

/** Those of some logins that are on a database's server, and that whoever sets up there can't give another password. */
async function fixedLogins(database: string, logins: readonly string[], env: Env): Promise<string[]> {
  const login = readSuperuser(env)(database)
  const entered = await maintenanceDatabase(login, database)
  const db = openDatabase({ ...login, database: entered }, { application: 'tributary-passwords', pool: 1 })
  try {
    const { rows } = await db.raw(
      `select rolname as name from pg_roles where rolname = any (?) and not pg_has_role(oid, 'MEMBER WITH ADMIN OPTION')`,
      [[...logins]],
    )
    return rows.map(({ name }: { name: string }) => name)
  } finally {
    await db.destroy()
  }
}
