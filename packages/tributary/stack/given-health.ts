import { postgresOptions } from '#database/connect'
import { maintenanceDatabase } from '#database/maintenance'
import { readSuperuser, serverVariable } from '#database/settings'
import { connectSettings, elasticsearchSettings, kafkaSettings, readConfig, registrySettings } from '#runtime/config'
import { documented } from '#runtime/documented'
import { httpAt } from '#runtime/http-at'
import { kafkaAt } from '#runtime/kafka-at'
import { elasticsearchAt, openElasticsearch } from '#sink/client'
import { addressesOf, type StackSettings } from './environment.ts'
import type { ServerName } from './given.ts'
import { type Ailment, ailingConnectors, askHttp, askKafka, askPostgres, patiently } from './health.ts'

/** Asks a server that is given whether it is well. Never throws. */
export async function ailmentOfGiven(server: ServerName, settings: StackSettings): Promise<Ailment> {
  const env = addressesOf(settings)
  return (await patiently(async () => ({ ailment: await ask(server, settings, env), concerns: [] }))).ailment
}

async function ask(server: ServerName, { shape }: StackSettings, env: Readonly<Record<string, string>>) {
  switch (server) {
    case 'kafka':
      return askKafka(kafkaAt(readConfig(kafkaSettings, env)))
    case 'registry':
      return (await askHttp(httpAt('REGISTRY', readConfig(registrySettings, env)), '/subjects')).ailment
    case 'connect':
      return (await askHttp(httpAt('CONNECT', readConfig(connectSettings, env)), '/connectors')).ailment
    case 'elasticsearch': {
      const client = openElasticsearch(elasticsearchAt(readConfig(elasticsearchSettings, env)))
      return client.ping().then(
        () => undefined,
        (error: Error) => error.message,
      )
    }
    case 'postgres':
      return askAllPostgres(shape.services, env)
  }
}

/** Each server once, by one of the databases that are to be there. */
async function askAllPostgres(services: readonly string[], env: Readonly<Record<string, string>>): Promise<Ailment> {
  const loginOf = readSuperuser(env)
  const servers = Map.groupBy(services, (service) => {
    const { host, port } = loginOf(service)
    return `${host}:${port}`
  })
  for (const [server, [service]] of servers) {
    const login = loginOf(service!)
    const ailment = await maintenanceDatabase(login, service!)
      .then((database) => askPostgres(postgresOptions({ ...login, database })))
      .catch((error: Error) => error.message)
    if (ailment !== undefined)
      return `${server} (${env[serverVariable(service!)] ? serverVariable(service!) : 'POSTGRES_URL'}): ${ailment}`
  }
  return undefined
}

/** The connectors' tasks that don't run, in words, wherever Kafka Connect is. */
export function ailingConnectorsOf(settings: StackSettings): Promise<Ailment> {
  const connect = httpAt('CONNECT', readConfig(connectSettings, addressesOf(settings)))
  return ailingConnectors(connect, settings.shape.services.length)
}

/** Throws when a server that is given doesn't answer, naming each, its setting, and why. */
export async function refuseSilent(settings: StackSettings): Promise<void> {
  const { servers } = settings.given
  const faults = await Promise.all(
    servers.map(async (server) => {
      const ailment = await ailmentOfGiven(server, settings)
      return ailment === undefined ? [] : [`  ${server}: ${ailment}`]
    }),
  )
  if (faults.flat().length > 0) {
    throw new Error(
      `servers that are given (${documented('guide/own-servers.md')}) don't answer as they should:\n${faults.flat().join('\n')}`,
    )
  }
}
