import { MAINTAINER } from '#outbox/schema'
import { markOf } from '#runtime/postgres-login'
import { scramVerifier } from '#runtime/scram'
import { CONNECTOR_OPTIONS, connectorLogin, FRESHNESS, VERIFIER } from './logins.ts'
import type { MigrateSettings } from './settings.ts'

/**
 * What a superuser runs once on each server where whoever sets up (`POSTGRES_USER`) may make neither logins nor databases:
 * logins with the passwords of the settings, as PostgreSQL keeps them, and the services' databases, that belong to it.
 * @param registryPassword where `up` starts a registry, which keeps its schemas on the server that all services share
 * @param adopted services whose database is there already: it isn't made, and its owner, who sets up, is only let replicate
 */
export function setUpSql(
  services: readonly string[],
  settings: MigrateSettings,
  registryPassword?: string,
  adopted: readonly string[] = [],
): string {
  const { passwords, superuser } = settings
  const registry = registryPassword === undefined ? [] : ['registry']
  const servers = Map.groupBy([...services, ...registry], (database) => {
    const { host, port } = superuser(database)
    return `${host}:${port}`
  })
  const lines = [...servers].flatMap(([server, here]) => {
    const { user, password } = superuser(here[0]!)
    return [
      `-- On ${server}`,
      here.some((service) => adopted.includes(service))
        ? `alter role "${user}" replication;`
        : made(user, password, 'login replication'),
      '',
      ...login(VERIFIER, passwords.verifier),
      ...login(FRESHNESS, passwords.freshness),
      ...login(MAINTAINER, passwords.maintainer),
      `grant pg_monitor to ${FRESHNESS}, ${MAINTAINER};`,
      `grant ${MAINTAINER} to "${user}" with inherit true, set true;`,
      ...here.flatMap((service) =>
        service === 'registry'
          ? ['', ...ofRegistry(user, registryPassword!)]
          : ['', ...ofService(service, settings, adopted.includes(service))],
      ),
      '',
    ]
  })
  return `${lines.join('\n').trimEnd()}\n`
}

function ofService(service: string, { passwords, superuser }: MigrateSettings, adopted: boolean): string[] {
  const connector = connectorLogin(service)
  return [
    ...login(service, passwords.service[service]!),
    ...login(connector, passwords.connector[service]!, 'login replication'),
    `grant ${connector} to ${MAINTAINER} with ${CONNECTOR_OPTIONS};`,
    ...(adopted ? [] : [database(service, superuser(service).user)]),
  ]
}

const ofRegistry = (user: string, password: string): string[] => [
  ...login('registry', password),
  database('registry', 'registry'),
  'revoke all on database registry from public;',
  `grant connect on database registry to "${user}";`,
]

const made = (name: string, password: string, attributes = 'login') =>
  `create role "${name}" ${attributes} password '${scramVerifier(password)}';`

const login = (name: string, password: string, attributes?: string) => [
  made(name, password, attributes),
  `${markOf(name)};`,
]

const database = (name: string, owner: string) =>
  `create database "${name}" owner "${owner}" template template0 encoding utf8;`
