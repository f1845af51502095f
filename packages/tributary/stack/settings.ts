import { connectGroup } from '#contracts/apps'

type Settings = Readonly<Record<string, string>>
type Heaps = Readonly<Partial<Record<'kafka' | 'connect' | 'registry' | 'elasticsearch', string>>>

/**
 * What a project tells the servers that are started here, natively or in containers, on top of what they are told anyway
 * (`stack/settings.ts` of the package): each name as the server's own documentation has it, each value a text. What
 * tributary relies on (`wal_level`, say) is refused. A server that is given has the settings of whoever runs it.
 */
export interface ServerSettings {
  /** A broker's properties (https://kafka.apache.org/documentation/#brokerconfigs). */
  readonly kafka?: Settings
  /** A worker's properties (https://kafka.apache.org/documentation/#connectconfigs). */
  readonly connect?: Settings
  /** As in `elasticsearch.yml`. */
  readonly elasticsearch?: Settings
  /** As in `postgresql.conf`. */
  readonly postgres?: Settings
  /** The most memory each Java server's heap takes: `512m`, `2g`. */
  readonly heap?: Heaps
}

/** What the servers are told beyond addresses and folders: by the native stack and by docker-compose.yml (stack/compose.ts). */
export type ServersSettings = Readonly<
  Record<'kafka' | 'connect' | 'elasticsearch' | 'postgres' | 'registry', Settings>
> & {
  readonly heap: Required<Heaps>
}

/** The project's settings upon our own. */
export function serversSettings(own: ServerSettings = {}): ServersSettings {
  return {
    kafka: { ...kafka, ...own.kafka },
    connect: { ...connect, ...own.connect },
    elasticsearch: { ...elasticsearch, ...own.elasticsearch },
    postgres: { ...postgres, ...own.postgres },
    registry,
    heap: { ...heap, ...own.heap },
  }
}

/** What else hangs on, or what each stack says itself: not a project's to change. */
const kept: Readonly<Record<'kafka' | 'connect' | 'elasticsearch' | 'postgres', RegExp>> = {
  kafka:
    /^(process\.roles|node\.id|controller\..*|(advertised\.)?listeners|log\.dirs?|auto\.create\.topics\.enable|log\.message\.timestamp\.after\.max\.ms)$/,
  connect:
    /^(bootstrap\.servers|listeners|rest\..*|plugin\..*|group\.id|(config|offset|status)\.storage\.topic|(key|value)\.converter|exactly\.once\.source\.support|config\.providers.*)$/,
  elasticsearch:
    /^(cluster\.name|node\.name|path\..*|network\..*|http\.port|transport\..*|discovery\..*|action\.auto_create_index)$/,
  postgres: /^(wal_level|listen_addresses|port|hba_file|data_directory|unix_socket_directories|timezone)$/,
}

/** What is wrong with a project's settings of servers, each with its place. */
export function serverFaults(own: ServerSettings = {}): string[] {
  const faults: string[] = []
  const names = [...Object.keys(kept), 'heap']
  for (const [server, settings] of Object.entries(own)) {
    if (!names.includes(server)) {
      faults.push(`servers.${server}: there are settings of ${names.join(', ')}`)
      continue
    }
    for (const [name, value] of Object.entries(settings as Readonly<Record<string, unknown>>)) {
      const place = `servers.${server}[${JSON.stringify(name)}]`
      if (server === 'heap') {
        if (!(name in heap)) faults.push(`${place}: the servers that have one are ${Object.keys(heap).join(', ')}`)
        else if (!/^[1-9][0-9]*[mg]$/.test(String(value))) faults.push(`${place}: must be like "512m" or "2g"`)
      } else if (kept[server as keyof typeof kept].test(name))
        faults.push(`${place}: tributary sets it, and relies on it`)
      else if (typeof value !== 'string' || /[\r\n]/.test(value)) faults.push(`${place}: must be a text of one line`)
    }
  }
  return faults
}

const postgres: Settings = {
  wal_level: 'logical',
  // One slot and one sender per connector, room for verification and a second generation beside them.
  max_replication_slots: '20',
  max_wal_senders: '20',
  max_connections: '200',
  // The fuse of a slot nobody reads: it is given up rather than the disk filled. The alarm comes long before.
  max_slot_wal_keep_size: '16GB',
  wal_keep_size: '0',
  // Who asked for what over replication stays in the log: a connector's login may ask for more than its stream.
  log_replication_commands: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** The same collation in every stack, whatever locales the machine or image has. */
export const initdbArguments: readonly string[] = [
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--auth=scram-sha-256',
]

/**
 * Who may log in where (pg_hba.conf; the first line that fits decides). A service and its connector reach their own database
 * only, whatever rights other databases on the server give to everybody. A connector's login may replicate, and with that
 * PostgreSQL would hand it a copy of the whole server: `pg_basebackup` is shut out, since only logical replication, which
 * names a database, is let through. Who speaks the protocol can still ask for a copy in such a session; no line can tell the
 * two apart, and the watch ends it (watch/copies.ts).
 */
export function postgresHba(services: readonly string[]): string {
  const own = services.map((service) => `${service},${service}_connector`)
  const connectors = services.map((service) => `${service}_connector`).join(',')
  return [
    'local all all scram-sha-256',
    `host replication ${connectors} all reject`,
    ...services.map((service, i) => `host ${service} ${own[i]} all scram-sha-256`),
    `host all ${own.join(',')} all reject`,
    'host replication all all scram-sha-256',
    'host all all all scram-sha-256',
  ]
    .map((line) => `${line}\n`)
    .join('')
}

const kafka: Settings = {
  // `topics apply` makes those there are; a misspelt name must fail.
  'auto.create.topics.enable': 'false',
  // As many as two cores can use: more of them only wake one another.
  'num.network.threads': '1',
  'num.io.threads': '2',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '8',
  // A broker reads both topics whole when it starts. By default they aren't compacted before they have 100 MB: the reading
  // takes seconds, and a killed broker's coordinators may then stay away (docs/decisions.md).
  'offsets.topic.segment.bytes': '1048576',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '8',
  'transaction.state.log.segment.bytes': '1048576',
  // Ends of transactions among the groups' positions stay for so long; topics of ours say what they need.
  'log.cleaner.delete.retention.ms': '600000',
  'group.initial.rebalance.delay.ms': '0',
  // A consumer may ask for less than the default 6 s to notice a killed member sooner.
  'group.min.session.timeout.ms': '3000',
  // Transactions of a killed producer hold up read-committed readers until they are aborted.
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
  'log.retention.hours': '-1',
  // A row that was written while a clock was ahead must not be refused, and its connector with it.
  'log.message.timestamp.after.max.ms': '9223372036854775807',
}

/** Of the Connect worker. Where its topics, brokers and listeners are is each stack's own. */
const connect: Settings = {
  'group.id': connectGroup,
  'config.storage.topic': 'connect.configs',
  'offset.storage.topic': 'connect.offsets',
  'status.storage.topic': 'connect.status',
  'config.storage.replication.factor': '1',
  'offset.storage.replication.factor': '1',
  'status.storage.replication.factor': '1',
  'offset.storage.partitions': '1',
  'status.storage.partitions': '1',
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
  'exactly.once.source.support': 'enabled',
  // One worker: nothing is won by waiting for a second one to come back.
  'scheduled.rebalance.max.delay.ms': '0',
  'session.timeout.ms': '6000',
  'heartbeat.interval.ms': '2000',
  // A task reads its offset back after each commit. Now and then the fetch that waits for it at the broker isn't woken by
  // the commit and lasts its whole time (500 ms by default, seen about once a minute), and with it the connector.
  'consumer.fetch.max.wait.ms': '200',
  'topic.creation.enable': 'false',
  'config.providers': 'env',
  'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
  'config.providers.env.param.allowlist.pattern': '^(POSTGRES_HOST|POSTGRES_PORT|[A-Z0-9]+_CONNECTOR_PASSWORD)$',
}

const elasticsearch: Settings = {
  'discovery.type': 'single-node',
  'xpack.security.enabled': 'false',
  // Strict mappings: an index is made by the sink or not at all. Names with a dot are Kibana's.
  'action.auto_create_index': '.*',
  'action.destructive_requires_name': 'true',
  // A laptop's full disk should not turn every index read-only.
  'cluster.routing.allocation.disk.threshold_enabled': 'false',
}

const registry: Settings = {
  APICURIO_STORAGE_KIND: 'sql',
  APICURIO_STORAGE_SQL_KIND: 'postgresql',
  APICURIO_DATASOURCE_USERNAME: 'registry',
}

/** The most memory each Java server's heap takes. */
const heap = {
  kafka: '768m',
  connect: '768m',
  registry: '384m',
  elasticsearch: '1g',
} as const
