import { postgresOptions } from '#database/connect'
import { maintenanceDatabase } from '#database/maintenance'
import { readSuperuser, serverVariable } from '#database/settings'
import { connectSettings, elasticsearchSettings, kafkaSettings, readConfig, registrySettings } from '#runtime/config'
import { documented } from '#runtime/documented'
import { httpAt } from '#runtime/http-at'
import { kafkaAt } from '#runtime/kafka-at'
import { elasticsearchAt, openElasticsearch } from '#sink/client'
import { addressesOf, type StackSettings } from './environment.ts'
import { addressOf, type ServerName } from './given.ts'
import { withRemedy } from './given-remedy.ts'
import { type Ailment, ailingConnectors, askHttp, askKafka, askPostgres, inOneLine, patiently } from './health.ts'

/** Asks a server that is given whether it is well. Says where it is, and the settings to look at. Never throws. */
export async function ailmentOfGiven(server: ServerName, settings: StackSettings): Promise<Ailment> {
  const env = addressesOf(settings)
  if (server === 'postgres') return askAllPostgres(settings.shape.services, env)
  const name = addressOf[server]
  const { ailment } = await patiently(async () => ({ ailment: await ask(server, env), concerns: [] }))
  return ailment && `${env[name]} (${name}): ${withRemedy(server.toUpperCase(), ailment)}`
}

async function ask(server: Exclude<ServerName, 'postgres'>, env: Readonly<Record<string, string>>): Promise<Ailment> {
  switch (server) {
    case 'kafka':
      return askKafka(kafkaAt(readConfig(kafkaSettings, env)))
    case 'registry':
      return (await askHttp(httpAt('REGISTRY', readConfig(registrySettings, env)), '/subjects')).ailment
    case 'connect':
      return (await askHttp(httpAt('CONNECT', readConfig(connectSettings, env)), '/connectors')).ailment
    case 'elasticsearch': {
      const client = openElasticsearch(elasticsearchAt(readConfig(elasticsearchSettings, env)))
      // HEAD / would be answered without a reason.
      return client.cluster
        .health()
        .then(
          () => undefined,
          (error: Error) => inOneLine(error.message),
        )
        .finally(() => client.close())
    }
  }
}

/** Each server once, by one of the databases that are to be there. */
async function askAllPostgres(services: readonly string[], env: Readonly<Record<string, string>>): Promise<Ailment> {
  const loginOf = readSuperuser(env)
  const servers = Map.groupBy(services, (service) => {
    const { host, port } = loginOf(service)
    return `${host}:${port}`
  })
  const ailments = await Promise.all(
    [...servers].map(async ([server, [service]]) => {
      const login = loginOf(service!)
      const { ailment } = await patiently(async () => {
        const database = await maintenanceDatabase(login, service!)
        return { ailment: await askPostgres(postgresOptions({ ...login, database })), concerns: [] }
      })
      const own = env[serverVariable(service!)] ? serverVariable(service!) : undefined
      return ailment && `${server} (${own ?? 'POSTGRES_URL'}): ${withRemedy('POSTGRES', ailment)}`
    }),
  )
  return ailments.find((ailment) => ailment !== undefined)
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
