import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readServer } from '#database/settings'
import { kafkaSettings, postgresSettings, readConfig } from '#runtime/config'
import { kafkaAt, securedKafka } from '#runtime/kafka-at'
import type { Launch } from '../launch.ts'
import { components } from './components.ts'
import { connectSecurity, JAAS } from './connect-security.ts'
import { prepareElasticsearch } from './elasticsearch.ts'
import { preparePostgres } from './postgres.ts'
import { runAs } from './run-as.ts'
import { everywhereAlike, homeMark, type NativeContext, serverFolder } from './server.ts'

/** Writes a server's configuration, makes its data folder where it is missing, says how it is started. Repeatable. */
export const prepare: Readonly<Record<string, (context: NativeContext) => Promise<Launch>>> = {
  postgres: preparePostgres,
  kafka: prepareKafka,
  registry: prepareRegistry,
  elasticsearch: prepareElasticsearch,
  connect: prepareConnect,
}

const LOG4J = `status=warn
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %-5p %m (%c{1})%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
logger.kafka.name=kafka.server.KafkaRaftServer
logger.kafka.level=info
logger.worker.name=org.apache.kafka.connect.runtime
logger.worker.level=info
logger.config.name=org.apache.kafka.connect.runtime.WorkerConfig
logger.config.level=error
logger.debezium.name=io.debezium.connector.postgresql
logger.debezium.level=info
`

function javaArgs(context: NativeContext, server: string, size: string): string[] {
  return [
    `-Xmx${size}`,
    // 2 cores, small heaps: the serial collector needs the least memory and start-up time.
    '-XX:+UseSerialGC',
    '-XX:-UsePerfData',
    '-XX:+ExitOnOutOfMemoryError',
    // The classes of the last run, mapped instead of loaded: about a third off the start.
    '-XX:+AutoCreateSharedArchive',
    `-XX:SharedArchiveFile=${join(context.places.data, server, 'classes.jsa')}`,
    '-Xlog:cds=off',
    '-Xlog:cds+dynamic=off',
    `-Djava.io.tmpdir=${join(context.places.data, server, 'tmp')}`,
    ...everywhereAlike,
    homeMark(context.places),
  ]
}

/** A `.properties` file as Java reads it: in Latin-1, everything else escaped. */
export const properties = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${escaped(value)}\n`)
    .join('')

const escaped = (value: string) =>
  value
    .replaceAll('\\', '\\\\')
    .replace(/^ /, '\\ ')
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Log4j takes an address, and a comma for the end of one. */
const log4jOption = (file: string) => `-Dlog4j2.configurationFile=${pathToFileURL(file).href.replaceAll(',', '%2C')}`

const java = (context: NativeContext) => join(context.jdk.home, 'bin', 'java')
const kafkaJars = (context: NativeContext) => join(context.places.cache, components.kafka.folder, '*')

async function prepareKafka(context: NativeContext): Promise<Launch> {
  const { ports } = context
  const folder = await serverFolder(context, 'kafka', 'log')
  const config = join(folder, 'config', 'server.properties')
  const log4j = join(folder, 'config', 'log4j2.properties')
  await writeFile(log4j, LOG4J)
  await writeFile(
    config,
    properties({
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${ports.KAFKA_CONTROLLER_PORT}`,
      listeners: `PLAINTEXT://127.0.0.1:${ports.KAFKA_PORT},CONTROLLER://127.0.0.1:${ports.KAFKA_CONTROLLER_PORT}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.KAFKA_PORT}`,
      'controller.listener.names': 'CONTROLLER',
      'log.dirs': join(folder, 'log'),
      ...context.servers.kafka,
    }),
  )
  const args = [
    ...javaArgs(context, 'kafka', context.servers.heap.kafka),
    log4jOption(log4j),
    '-cp',
    kafkaJars(context),
  ]
  // `--ignore-formatted` makes it repeatable; the id is only there to tell clusters apart.
  if (!(await runAs.exists(join(folder, 'log', 'meta.properties')))) {
    await runAs.run(context.places.account, java(context), [
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      ...everywhereAlike,
      log4jOption(log4j),
      '-cp',
      kafkaJars(context),
      'kafka.tools.StorageTool',
      'format',
      '--ignore-formatted',
      '-t',
      'dHJpYnV0YXJ5LW9uZS0wMA',
      '-c',
      config,
    ])
  }
  return { command: java(context), args: [...args, 'kafka.Kafka', config], cwd: folder, env: {} }
}

const ALLOWLIST = 'config.providers.env.param.allowlist.pattern'

/** Of Connect's own topics, on a cluster that may have more brokers than one: what that cluster says. */
const brokersReplication = Object.fromEntries(
  ['config', 'offset', 'status'].map((what) => [`${what}.storage.replication.factor`, '-1']),
)

/** A server's account may not read a file of the caller's: it gets a copy. Gives where; certificates are no secret. */
async function writeCa(folder: string, name: string, ca: string | undefined): Promise<string> {
  const file = join(folder, 'config', `${name}-ca.pem`)
  if (ca !== undefined) await writeFile(file, ca)
  return file
}

async function prepareConnect(context: NativeContext): Promise<Launch> {
  const { ports, places, servers } = context
  const folder = await serverFolder(context, 'connect')
  const config = join(folder, 'config', 'worker.properties')
  const log4j = join(folder, 'config', 'log4j2.properties')
  await writeFile(log4j, LOG4J)
  const kafka = securedKafka(kafkaAt(readConfig(kafkaSettings, context.env)))
  const security = connectSecurity(kafka, await writeCa(folder, 'kafka', kafka.tls?.ca))
  const postgres = await writeCa(folder, 'postgres', readConfig(postgresSettings, context.env).POSTGRES_CA_FILE)
  await writeFile(
    config,
    properties({
      'bootstrap.servers': kafka.brokers.join(','),
      listeners: `http://127.0.0.1:${ports.CONNECT_PORT}`,
      'rest.advertised.host.name': '127.0.0.1',
      'plugin.path': join(places.cache, components.debezium.folder),
      'plugin.discovery': 'service_load',
      ...servers.connect,
      ...(context.given.includes('kafka') && brokersReplication),
      [ALLOWLIST]: servers.connect[ALLOWLIST]!.replace('(', `(${JAAS}|POSTGRES_CA_FILE|`),
      ...security.settings,
    }),
  )
  return {
    command: java(context),
    args: [
      ...javaArgs(context, 'connect', servers.heap.connect),
      log4jOption(log4j),
      '-cp',
      kafkaJars(context),
      'org.apache.kafka.connect.cli.ConnectDistributed',
      config,
    ],
    cwd: folder,
    env: {
      POSTGRES_HOST: '127.0.0.1',
      POSTGRES_PORT: String(ports.POSTGRES_PORT),
      POSTGRES_CA_FILE: postgres,
      ...security.env,
    },
  }
}

async function registryDatabase({ env }: NativeContext, folder: string): Promise<string> {
  const { host, port, tls } = readServer('registry', env)
  const options = new URLSearchParams()
  if (tls) options.set('sslmode', 'verify-full')
  if (tls?.ca === undefined) options.set('sslfactory', 'org.postgresql.ssl.DefaultJavaSSLFactory')
  else options.set('sslrootcert', await writeCa(folder, 'postgres', tls.ca))
  const at = `jdbc:postgresql://${host.includes(':') ? `[${host}]` : host}:${port}/registry`
  return tls ? `${at}?${options}` : at
}

async function prepareRegistry(context: NativeContext): Promise<Launch> {
  const { ports, places, secrets, servers } = context
  const folder = await serverFolder(context, 'registry')
  return {
    command: java(context),
    args: [
      ...javaArgs(context, 'registry', servers.heap.registry),
      '-jar',
      join(places.cache, components.apicurio.folder, 'quarkus-run.jar'),
    ],
    cwd: folder,
    env: {
      ...servers.registry,
      APICURIO_DATASOURCE_URL: await registryDatabase(context, folder),
      APICURIO_DATASOURCE_PASSWORD: secrets.REGISTRY_DB_PASSWORD ?? '',
      QUARKUS_HTTP_HOST: '127.0.0.1',
      QUARKUS_HTTP_PORT: String(ports.REGISTRY_PORT),
      QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
      QUARKUS_MANAGEMENT_PORT: String(ports.REGISTRY_MANAGEMENT_PORT),
      QUARKUS_LOG_LEVEL: 'WARN',
    },
  }
}
