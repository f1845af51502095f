import { connectGroup } from '#contracts/apps'

/**
 * What the servers are told beyond addresses and folders. The native stack uses these values as they stand;
 * docker-compose.yml is generated from the same ones (stack/compose.ts).
 */

export const postgresSettings: Readonly<Record<string, string>> = {
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

export const kafkaSettings: Readonly<Record<string, string>> = {
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
export const connectSettings: Readonly<Record<string, string>> = {
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

export const elasticsearchSettings: Readonly<Record<string, string>> = {
  'discovery.type': 'single-node',
  'xpack.security.enabled': 'false',
  // Strict mappings: an index is made by the sink or not at all. Names with a dot are Kibana's.
  'action.auto_create_index': '.*',
  'action.destructive_requires_name': 'true',
  // A laptop's full disk should not turn every index read-only.
  'cluster.routing.allocation.disk.threshold_enabled': 'false',
}

export const registrySettings: Readonly<Record<string, string>> = {
  APICURIO_STORAGE_KIND: 'sql',
  APICURIO_STORAGE_SQL_KIND: 'postgresql',
  APICURIO_DATASOURCE_USERNAME: 'registry',
}

/** The most memory each Java server's heap takes. */
export const heap = {
  kafka: '768m',
  connect: '768m',
  registry: '384m',
  elasticsearch: '1g',
} as const
