import { ConfigError, postgresSettings, readConfig, setting } from '#runtime/config'
import type { DatabaseLogin } from './connect.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What `tributary migrate` needs: who sets up, and the password of every login there is to be. */
export interface MigrateSettings {
  /**
   * A database as whoever sets up enters it: a service's is on that service's server, every other one on the server that
   * serves the services which have none of their own.
   */
  readonly superuser: (database: string) => DatabaseLogin
  readonly passwords: {
    readonly service: Readonly<Record<string, string>>
    readonly connector: Readonly<Record<string, string>>
    readonly verifier: string
    readonly freshness: string
    readonly maintainer: string
  }
}

/** A server of PostgreSQL, without a login. */
export type PostgresServer = Pick<DatabaseLogin, 'host' | 'port' | 'tls'> & {
  /** Whether it isn't the stack's own. */
  readonly given: boolean
}

const upper = (service: string) => service.toUpperCase()

/** The settings that say where a service's database is. */
export const serverVariable = (service: string) => `${upper(service)}_POSTGRES_URL`

/** The server of a service: its own where it has one, else everybody's. Throws `ConfigError` with all faults. */
export function readServer(service: string, env: Env = process.env): PostgresServer {
  const name = serverVariable(service)
  const config = readConfig({ ...postgresSettings, [name]: setting.postgresUrl.optional() }, env)
  const given = (config as unknown as Record<string, { host: string; port: number } | undefined>)[name]
  const at = given ?? config.POSTGRES_URL
  if (!at) return { host: config.POSTGRES_HOST, port: config.POSTGRES_PORT, given: false }
  const { POSTGRES_CA_FILE: ca } = config
  const tls = config.POSTGRES_TLS === 'on' || ca !== undefined ? { ...(ca !== undefined && { ca }) } : undefined
  return { ...at, ...(tls && { tls }), given: true }
}

/** Reads the settings of `tributary migrate`. Throws `ConfigError` with all faults. */
export function readMigrateSettings(services: readonly string[], env: Env = process.env): MigrateSettings {
  const secrets = services.flatMap((service) => [
    `${upper(service)}_DB_PASSWORD`,
    `${upper(service)}_CONNECTOR_PASSWORD`,
  ])
  const config = readConfig(
    {
      ...postgresSettings,
      ...Object.fromEntries(services.map((service) => [serverVariable(service), setting.postgresUrl.optional()])),
      POSTGRES_PASSWORD: setting.secret,
      VERIFY_DB_PASSWORD: setting.secret,
      FRESHNESS_DB_PASSWORD: setting.secret,
      MAINTAINER_DB_PASSWORD: setting.secret,
      ...Object.fromEntries(secrets.map((name) => [name, setting.secret])),
    },
    env,
  )
  const secret = (name: string) => (config as unknown as Record<string, string>)[name]!
  const perService = (suffix: string) =>
    Object.fromEntries(services.map((service) => [service, secret(`${upper(service)}_${suffix}`)]))
  return {
    superuser: readSuperuser(env),
    passwords: {
      service: perService('DB_PASSWORD'),
      connector: perService('CONNECTOR_PASSWORD'),
      verifier: config.VERIFY_DB_PASSWORD,
      freshness: config.FRESHNESS_DB_PASSWORD,
      maintainer: config.MAINTAINER_DB_PASSWORD,
    },
  }
}

/** Every database, entered as whoever sets up: `<SERVICE>_POSTGRES_USER`, else POSTGRES_USER, else `postgres`. */
export function readSuperuser(env: Env = process.env): MigrateSettings['superuser'] {
  // Faults are found at once, not when the first database is entered.
  readConfig({ ...postgresSettings, POSTGRES_PASSWORD: setting.secret }, env)
  return (database) => {
    const own = `${upper(database)}_POSTGRES`
    const config = readConfig(
      {
        POSTGRES_USER: setting.text.default('postgres'),
        POSTGRES_PASSWORD: setting.secret,
        [`${own}_USER`]: setting.text.optional(),
        [`${own}_PASSWORD`]: setting.text.optional(),
      },
      env,
    ) as unknown as Record<string, string>
    if (env[`${own}_URL`] && !config[`${own}_PASSWORD`]) {
      // The common server's password isn't shown to another server.
      throw new ConfigError(
        `the configuration has a fault:\n  ${own}_PASSWORD: is missing, and ${own}_URL names a server of its own, which set-up enters with it`,
      )
    }
    return {
      ...placeOf(readServer(database, env)),
      database,
      user: config[`${own}_USER`] ?? config.POSTGRES_USER!,
      password: config[`${own}_PASSWORD`] ?? config.POSTGRES_PASSWORD!,
    }
  }
}

/** The database of one service, entered with the service's own login. */
export function readServiceLogin(service: string, env: Env = process.env): DatabaseLogin {
  return readLogin(service, service, `${upper(service)}_DB_PASSWORD`, env)
}

/** A service's database, entered with the login that owns the outbox. */
export function readMaintainerLogin(env: Env = process.env): (service: string) => DatabaseLogin {
  return readShared('maintainer', 'MAINTAINER_DB_PASSWORD', env)
}

/** A service's database, entered with the login that may read everything and change nothing. */
export function readVerifierLogin(env: Env = process.env): (service: string) => DatabaseLogin {
  return readShared('verifier', 'VERIFY_DB_PASSWORD', env)
}

/** A service's database, entered with the login that looks at positions and at which rows the outbox has. */
export function readFreshnessLogin(env: Env = process.env): (service: string) => DatabaseLogin {
  return readShared('freshness', 'FRESHNESS_DB_PASSWORD', env)
}

/** A login that has the same name and password on all servers. Throws at once where settings have faults. */
function readShared(user: string, password: string, env: Env): (service: string) => DatabaseLogin {
  readConfig({ ...postgresSettings, [password]: setting.secret }, env)
  return (service) => readLogin(service, user, password, env)
}

function readLogin(service: string, user: string, variable: string, env: Env): DatabaseLogin {
  const config = readConfig({ [variable]: setting.secret }, env) as unknown as Record<string, string>
  return { ...placeOf(readServer(service, env)), database: service, user, password: config[variable]! }
}

const placeOf = ({ given: _, ...place }: PostgresServer) => place
