import { homedir, platform } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { listenSettings, readConfig, setting } from '#runtime/config'
import { project } from '#runtime/project'
import { withoutForeignSettings } from './callers-environment.ts'
import { type Given, readGiven, withoutGiven } from './given.ts'
import type { Shape } from './shape.ts'

/** The checkout. */
export const repository = project()

/** Ports by variable. */
export type Ports = Readonly<Record<string, number>>

/** The system on this computer, as configured. */
export interface StackSettings {
  readonly shape: Shape
  readonly stack: 'auto' | 'native' | 'docker'
  /** Data, logs, secrets; absolute. */
  readonly home: string
  /** Downloads, absolute. */
  readonly cache: string
  /** Elasticsearch's indices, absolute; undefined: with all other data. */
  readonly elasticsearchData: string | undefined
  readonly demo: boolean
  readonly logLevel: string
  readonly javaHome: string | undefined
  /** Where the JDK comes from in its publisher's stead. */
  readonly jdkMirror: string | undefined
  /** As in `ALLOWED_HOSTS`. */
  readonly allowedHosts: string
  readonly ports: Ports
  /** Servers that are there already. Their processes aren't in the shape. */
  readonly given: Given
}

/** How the system runs on this computer, by variable; ports and servers that are given have theirs beside. */
export const stackSettings = {
  STACK: z
    .enum(['auto', 'native', 'docker'], 'is not one of auto, native, docker')
    .default('auto')
    .describe('`native`: plain processes; `docker`: docker-compose.yml; `auto`: Docker where an engine answers'),
  TRIBUTARY_HOME: z.string().default('.tributary').describe('data, logs and generated secrets of the native stack'),
  TRIBUTARY_CACHE: z
    .string()
    .optional()
    .describe('downloads, shared by all projects; the user’s cache folder, as `~/.cache/tributary`'),
  ELASTICSEARCH_DATA: z
    .string()
    .optional()
    .describe('Elasticsearch’s indices, where another disk is better for them; they may be lost'),
  DEMO: z
    .enum(['on', 'off'], 'is neither on nor off')
    .default('on')
    .describe('`on`: `up` plays the project’s `demo` into a system that is empty'),
  LOG_LEVEL: setting.logLevel.default('info').describe('`trace`, `debug`, `info`, `warn`, `error`'),
  JAVA_HOME: z.string().optional().describe('a JDK, 21 or newer; else the system’s JVM folders, then PATH'),
  JDK_MIRROR: setting.url.optional().describe('a mirror of Temurin’s releases, where no JDK is found'),
  ALLOWED_HOSTS: z.string().default('').describe(listenSettings.ALLOWED_HOSTS.description!),
}

/** Reads and checks the stack's settings. Throws `ConfigError` naming every fault, also two settings with one port. */
export function readStackSettings(
  shape: Shape,
  env: Readonly<Record<string, string | undefined>> = process.env,
): StackSettings {
  const portShape = Object.entries(shape.defaultPorts).map(([name, port]) => [name, setting.port.default(port)])
  const given = readConfig(
    {
      ...(Object.fromEntries(portShape) as Record<string, z.ZodDefault<typeof setting.port>>),
      ...stackSettings,
    },
    env,
  )
  const ports = Object.fromEntries(
    Object.keys(shape.defaultPorts).map((name) => [name, Number((given as Record<string, unknown>)[name])]),
  )
  refuseSharedPorts(ports)
  const servers = readGiven(shape, addresses(shape, ports), env)
  return {
    shape: withoutGiven(shape, servers),
    given: servers,
    stack: given.STACK,
    home: resolve(repository, given.TRIBUTARY_HOME),
    cache: given.TRIBUTARY_CACHE ? resolve(repository, given.TRIBUTARY_CACHE) : defaultCache(env),
    elasticsearchData: given.ELASTICSEARCH_DATA ? resolve(repository, given.ELASTICSEARCH_DATA) : undefined,
    demo: given.DEMO === 'on',
    logLevel: given.LOG_LEVEL,
    javaHome: given.JAVA_HOME,
    jdkMirror: given.JDK_MIRROR,
    allowedHosts: given.ALLOWED_HOSTS,
    ports,
  }
}

function refuseSharedPorts(ports: Ports): void {
  const byPort = Map.groupBy(Object.entries(ports), ([, port]) => port)
  const faults = [...byPort].filter(([, names]) => names.length > 1)
  if (faults.length === 0) return
  const lines = faults.map(([port, names]) => `  ${names.map(([name]) => name).join(' and ')} are both ${port}`)
  throw new Error(`every port must be different (see .env.example):\n${lines.join('\n')}`)
}

/** root's own cache folder can't be read by the unprivileged user the servers run as: it takes the system's. */
export function defaultCache(env: Readonly<Record<string, string | undefined>>): string {
  if (process.getuid?.() === 0) return '/var/cache/tributary'
  const xdg = env.XDG_CACHE_HOME
  if (xdg && isAbsolute(xdg)) return resolve(xdg, 'tributary')
  return resolve(homeFolder(), platform() === 'darwin' ? 'Library/Caches' : '.cache', 'tributary')
}

/** A uid that no user has (common in containers) has no home either: then downloads stay in the checkout. */
function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return repository
  }
}

/** Where everything is, as the variables every process may read. */
export function addresses({ ownServices }: Shape, ports: Ports): Record<string, string> {
  const http = (port: number) => `http://127.0.0.1:${port}`
  return {
    HOST: '127.0.0.1',
    POSTGRES_HOST: '127.0.0.1',
    KAFKA_BROKERS: `127.0.0.1:${ports.KAFKA_PORT!}`,
    REGISTRY_URL: `${http(ports.REGISTRY_PORT!)}/apis/ccompat/v7`,
    CONNECT_URL: http(ports.CONNECT_PORT!),
    ELASTICSEARCH_URL: http(ports.ELASTICSEARCH_PORT!),
    REPORTS_URL: http(ports.REPORTS_PORT!),
    FRESHNESS_URL: http(ports.FRESHNESS_PORT!),
    ...Object.fromEntries(
      ownServices.map((name) => [`${name.toUpperCase()}_URL`, http(ports[`${name.toUpperCase()}_PORT`]!)]),
    ),
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
  }
}

/** The same, with the servers that are given in place of the stack's own, and how they are entered. Holds secrets. */
export function addressesOf({ shape, ports, given }: Pick<StackSettings, 'shape' | 'ports' | 'given'>) {
  return {
    ...addresses(shape, ports),
    ...Object.assign({}, ...Object.values(given.settings)),
    ...given.setUp,
  } as Record<string, string>
}

/**
 * Completes `env` for a command typed by hand: the stack's addresses and secrets, where the shell hasn't set them.
 * A supervised process is left alone: it was given exactly what it may have.
 */
export async function completeEnvironment(shape: Shape, env: NodeJS.ProcessEnv): Promise<void> {
  if (env.TRIBUTARY_SUPERVISED === '1') return
  withoutForeignSettings(env)
  const settings = readStackSettings(shape, env)
  env.TRIBUTARY_HOME = settings.home
  const { readSecrets } = await import('./secrets.ts')
  for (const [name, value] of Object.entries({ ...addresses(shape, settings.ports), ...readSecrets(settings.home) })) {
    env[name] ??= value
  }
}

/** Makes the secrets that are missing, for a command that comes before the first `up`, and puts them into `env`. */
export async function makeSecrets(shape: Shape, env: NodeJS.ProcessEnv): Promise<void> {
  const { placesOf } = await import('./places.ts')
  const { ensureHome, withLock } = await import('./home.ts')
  const { ensureSecrets } = await import('./secrets.ts')
  const places = placesOf(readStackSettings(shape, env))
  ensureHome(places)
  const secrets = await withLock(places, async () => ensureSecrets(places.home, shape.secretNames))
  for (const [name, value] of Object.entries(secrets)) env[name] ??= value
}
