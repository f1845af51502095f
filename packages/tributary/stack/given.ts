import { serverVariable } from '#database/settings'
import {
  ConfigError,
  connectSettings,
  elasticsearchSettings,
  fromProject,
  kafkaSettings,
  postgresSettings,
  readConfig,
  registrySettings,
  setting,
} from '#runtime/config'
import { documented } from '#runtime/documented'
import type { Shape } from './shape.ts'

export type ServerName = 'postgres' | 'kafka' | 'registry' | 'elasticsearch' | 'connect'

type Env = Readonly<Record<string, string | undefined>>

/** Servers that are there already, by settings: the stack doesn't start them. */
export interface Given {
  /** In the order in which they are asked. */
  readonly servers: readonly ServerName[]
  /** What a process that enters one is told, by server: addresses, CAs, logins. */
  readonly settings: Readonly<Record<ServerName, Readonly<Record<string, string>>>>
  /** What sets up databases on them: logins that nobody else is told, and passwords that whoever made a login chose. */
  readonly setUp: Readonly<Record<string, string>>
}

export const nothingGiven: Given = {
  servers: [],
  settings: { postgres: {}, kafka: {}, registry: {}, elasticsearch: {}, connect: {} },
  setUp: {},
}

const upper = (service: string) => service.toUpperCase()

/** A server is given when its address is set, and isn't the one of the stack's own. */
export const addressOf: Readonly<Record<Exclude<ServerName, 'postgres'>, string>> = {
  kafka: 'KAFKA_BROKERS',
  registry: 'REGISTRY_URL',
  elasticsearch: 'ELASTICSEARCH_URL',
  connect: 'CONNECT_URL',
}

/**
 * The servers that the settings give. Throws `ConfigError` with all faults at once: of each setting, between them, and where a
 * login or CA is said of a server that the stack starts itself.
 * @param own the addresses of the stack's own servers
 */
export function readGiven(shape: Shape, own: Readonly<Record<string, string>>, env: Env): Given {
  const names = settingsOf(shape.services)
  const isSet = (name: string) => env[name] !== undefined && env[name] !== ''
  const others = Object.keys(addressOf) as Exclude<ServerName, 'postgres'>[]
  const elsewhere = shape.services.filter((service) => readsElsewhere(service, env))
  const servers: ServerName[] = [
    // One service without a server of its own keeps the stack's.
    ...(shape.services.length > 0 && elsewhere.length === shape.services.length ? (['postgres'] as const) : []),
    ...others.filter((name) => isSet(addressOf[name]) && env[addressOf[name]] !== own[addressOf[name]]),
  ]
  refuseFaults(shape, env, servers, elsewhere)
  const chosen = (wanted: readonly string[]) =>
    Object.fromEntries(
      wanted.filter(isSet).map((name) => [name, name.endsWith('_CA_FILE') ? fromProject(env[name]!) : env[name]!]),
    )
  const settings = Object.fromEntries(
    (Object.keys(names.enter) as ServerName[]).map((name) => {
      const given = name === 'postgres' ? elsewhere.length > 0 : servers.includes(name)
      return [name, given ? chosen(names.enter[name]) : {}]
    }),
  ) as unknown as Given['settings']
  return { servers, settings, setUp: elsewhere.length > 0 ? chosen([...names.setUp, ...shape.secretNames]) : {} }
}

function readsElsewhere(service: string, env: Env): boolean {
  return Boolean(env.POSTGRES_URL || env[serverVariable(service)])
}

/** Names of settings: those of whoever enters a server, and those of whoever sets up databases. */
function settingsOf(services: readonly string[]): {
  readonly enter: Readonly<Record<ServerName, readonly string[]>>
  readonly setUp: readonly string[]
} {
  const { POSTGRES_HOST: _, POSTGRES_PORT: __, ...postgres } = postgresSettings
  return {
    enter: {
      postgres: [...Object.keys(postgres), ...services.map(serverVariable)],
      kafka: Object.keys(kafkaSettings),
      registry: Object.keys(registrySettings),
      elasticsearch: Object.keys(elasticsearchSettings),
      connect: Object.keys(connectSettings),
    },
    setUp: [
      'POSTGRES_USER',
      ...services.flatMap((service) => [`${upper(service)}_POSTGRES_USER`, `${upper(service)}_POSTGRES_PASSWORD`]),
    ],
  }
}

function refuseFaults({ services }: Shape, env: Env, servers: readonly ServerName[], elsewhere: readonly string[]) {
  readConfig(
    {
      ...kafkaSettings,
      ...registrySettings,
      ...elasticsearchSettings,
      ...connectSettings,
      ...postgresSettings,
      ...Object.fromEntries(services.map((service) => [serverVariable(service), setting.postgresUrl.optional()])),
    },
    env,
  )
  const { enter } = settingsOf(services)
  const faults = (Object.keys(enter) as ServerName[]).flatMap((server) => {
    if (server === 'postgres' ? elsewhere.length > 0 : servers.includes(server)) return []
    const address = server === 'postgres' ? 'POSTGRES_URL' : addressOf[server]
    return enter[server]
      .filter((name) => name !== address && env[name])
      .map((name) => `  ${name} is set, and the stack starts ${server} itself: set ${address}, or leave it out`)
  })
  if (faults.length > 0) {
    throw new ConfigError(
      `settings of servers that aren't given (${documented('guide/own-servers.md')}):\n${faults.join('\n')}`,
    )
  }
}

/** A shape without the servers that are given: what this computer runs. */
export function withoutGiven(shape: Shape, { servers }: Given): Shape {
  const isGiven = (name: string) => servers.some((server) => server === name)
  return { ...shape, processes: shape.processes.filter(({ name }) => !isGiven(name)) }
}
