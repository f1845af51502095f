import { postgresSettings, readConfig, setting } from '#runtime/config'
import type { DatabaseLogin } from './connect.ts'

/** What `tributary migrate` needs: the superuser, and the password of every login it makes. */
export interface MigrateSettings {
  readonly superuser: (database: string) => DatabaseLogin
  readonly passwords: {
    readonly service: Readonly<Record<string, string>>
    readonly connector: Readonly<Record<string, string>>
    readonly verifier: string
    readonly freshness: string
    readonly maintainer: string
  }
}

const upper = (service: string) => service.toUpperCase()

/** Reads the settings of `tributary migrate`. Throws `ConfigError` with all faults. */
export function readMigrateSettings(
  services: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): MigrateSettings {
  const secrets = services.flatMap((service) => [
    `${upper(service)}_DB_PASSWORD`,
    `${upper(service)}_CONNECTOR_PASSWORD`,
  ])
  const config = readConfig(
    {
      ...postgresSettings,
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

/** Every database, entered as superuser. */
export function readSuperuser(
  env: Readonly<Record<string, string | undefined>> = process.env,
): MigrateSettings['superuser'] {
  const config = readConfig({ ...postgresSettings, POSTGRES_PASSWORD: setting.secret }, env)
  return (database) => ({
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    database,
    user: 'postgres',
    password: config.POSTGRES_PASSWORD,
  })
}

/** The database of one service, entered with the service's own login. */
export function readServiceLogin(
  service: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): DatabaseLogin {
  const name = `${upper(service)}_DB_PASSWORD`
  const config = readConfig({ ...postgresSettings, [name]: setting.secret }, env)
  return {
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    database: service,
    user: service,
    password: (config as unknown as Record<string, string>)[name]!,
  }
}

/** A service's database, entered with the login that owns the outbox. */
export function readMaintainerLogin(
  env: Readonly<Record<string, string | undefined>> = process.env,
): (service: string) => DatabaseLogin {
  const config = readConfig({ ...postgresSettings, MAINTAINER_DB_PASSWORD: setting.secret }, env)
  return (service) => ({
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    database: service,
    user: 'maintainer',
    password: config.MAINTAINER_DB_PASSWORD,
  })
}

/** A service's database, entered with the login that may read everything and change nothing. */
export function readVerifierLogin(
  env: Readonly<Record<string, string | undefined>> = process.env,
): (service: string) => DatabaseLogin {
  const config = readConfig({ ...postgresSettings, VERIFY_DB_PASSWORD: setting.secret }, env)
  return (service) => ({
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    database: service,
    user: 'verifier',
    password: config.VERIFY_DB_PASSWORD,
  })
}
