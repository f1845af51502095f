import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PostgresServer } from '#database/settings'
import { project } from '#runtime/project'

/** A connector's configuration as Kafka Connect takes it: every value a text, secrets as `${env:…}`. */
export type ConnectorConfig = Readonly<Record<string, string>>

/** The connector of a service. */
export const connectorOf = (service: string) => `${service}-outbox`

/** Where a connector's heartbeats go; Debezium puts the name together. */
export const heartbeatTopicOf = (service: string) => `__debezium-heartbeat.${service}`

/**
 * Where a connector puts what `pg_logical_emit_message` wrote (the heartbeat's own query, the freshness marks): that is
 * what moves the slot of a quiet database at once. Without this topic the connector's producer waits for it for ever.
 */
export const messageTopicOf = (service: string) => `${service}.message`

/**
 * What the services' connectors should be: connectors/outbox.json with the service's name in place of `<service>` and
 * `<SERVICE>`. The services' connectors differ in nothing else, but for where the database is, should its server be given.
 * @param serverOf of a service; the stack's own where it is left out
 */
export function wantedConnectors(
  services: readonly string[],
  serverOf?: (service: string) => PostgresServer,
): ReadonlyMap<string, ConnectorConfig> {
  const template = readFileSync(join(project(), 'connectors', 'outbox.json'), 'utf8')
  return new Map(
    services.map((service) => {
      const text = template.replaceAll('<service>', service).replaceAll('<SERVICE>', service.toUpperCase())
      return [connectorOf(service), { ...(JSON.parse(text) as ConnectorConfig), ...placeOf(serverOf?.(service)) }]
    }),
  )
}

/** Where a given server is, instead of the variables that Connect has for the stack's own. A CA is where that one has it. */
function placeOf(server: PostgresServer | undefined): ConnectorConfig {
  if (!server?.given) return {}
  const { host, port, tls } = server
  return {
    'database.hostname': host,
    'database.port': String(port),
    ...(tls && { 'database.sslmode': 'verify-full' }),
    ...(tls && (tls.ca === undefined ? systemCas : { 'database.sslrootcert': `\${env:POSTGRES_CA_FILE}` })),
  }
}
const systemCas = { 'database.sslfactory': 'org.postgresql.ssl.DefaultJavaSSLFactory' }

/** One setting that isn't what the file says. */
export interface Drift {
  readonly setting: string
  /** Undefined where the setting isn't there. */
  readonly is: string | undefined
  readonly wanted: string | undefined
}

/** How a connector's configuration differs from the wanted one, by setting. */
export function driftOf(wanted: ConnectorConfig, found: ConnectorConfig): Drift[] {
  const settings = new Set([...Object.keys(wanted), ...Object.keys(found)])
  // Connect adds the name itself.
  settings.delete('name')
  return [...settings]
    .sort()
    .filter((setting) => wanted[setting] !== found[setting])
    .map((setting) => ({ setting, is: found[setting], wanted: wanted[setting] }))
}

/** Drift as a line for people; a password is never shown, should one stand in the configuration. */
export function describeDrift({ setting, is, wanted }: Drift): string {
  const shown = (value: string | undefined) =>
    value === undefined
      ? '(not set)'
      : /password/i.test(setting) && !value.startsWith('${')
        ? '(a password)'
        : JSON.stringify(value)
  return `${setting}: ${shown(is)} → ${shown(wanted)}`
}
