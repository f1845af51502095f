import { setTimeout as after } from 'node:timers/promises'
import { type FastifyInstance, LogController } from 'fastify'
import {
  elasticsearchSettings,
  kafkaSettings,
  listenSettings,
  postgresSettings,
  readConfig,
  setting,
} from '#runtime/config.ts'
import { addHealth } from '#runtime/health.ts'
import { Problem } from '#runtime/http/problem.ts'
import { openHttpServer } from '#runtime/http/server.ts'
import type { Log } from '#runtime/log.ts'
import type { Running } from '#runtime/main.ts'
import { Gauge, openMetrics, type Registry } from '#runtime/metrics.ts'
import { openElasticsearch } from '#sinks/elasticsearch/client.ts'
import { ensureFreshnessIndex, writeFreshness } from '#sinks/elasticsearch/freshness-index.ts'
import { currentIndex } from '#sinks/elasticsearch/generations.ts'
import { openDatabases } from './databases.ts'
import { type Follower, follow } from './follower.ts'
import { openBrokers } from './topics.ts'

/** The index is written at most this often, in ms. */
const PUBLISH_MS = 1_000
const LONGEST_WAIT_MS = 60_000

/** The process `tributary freshness`: follows the chain and tells how far each read model is complete. */
export async function startFreshness(log: Log): Promise<Running> {
  const config = readConfig({
    ...kafkaSettings,
    ...elasticsearchSettings,
    ...postgresSettings,
    ...listenSettings,
    FRESHNESS_PORT: setting.port.prefault(14_022),
    FRESHNESS_DB_PASSWORD: setting.secret,
  })
  const brokers = await openBrokers(config.KAFKA_BROKERS)
  const databases = openDatabases({
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    password: config.FRESHNESS_DB_PASSWORD,
  })
  const client = openElasticsearch(config.ELASTICSEARCH_URL)
  const follower = follow(databases, brokers, (name) => currentIndex(client, name), log)
  const metrics = openMetrics()
  measure(follower, metrics)

  const server = openHttpServer({
    log,
    allowedHosts: config.ALLOWED_HOSTS,
    fastify: { forceCloseConnections: true, logController: new LogController({ disableRequestLogging: true }) },
  })
  addHealth(server, follower.trouble, metrics)
  addRoutes(server, follower)
  await server.listen({ host: config.HOST, port: config.FRESHNESS_PORT })

  const stopped = new AbortController()
  const publishing = publish(follower, client, stopped.signal, log)
  return {
    async stop() {
      stopped.abort()
      await follower.stop()
      await publishing
      await Promise.all([server.close(), databases.close(), brokers.close(), client.close()])
    },
  }
}

/** `GET /freshness`, and `GET /wait`, which answers when everything is searchable. */
export function addRoutes(server: FastifyInstance, follower: Follower): void {
  const state = () => {
    const now = Date.now()
    const readModels = Object.fromEntries(
      [...follower.standings()].map(([name, { completeThrough, waitingFor }]) => [
        name,
        {
          completeThrough: completeThrough > 0 ? new Date(completeThrough).toISOString() : null,
          lagMs: completeThrough > 0 ? now - completeThrough : null,
          ...(waitingFor && { waitingFor }),
        },
      ]),
    )
    return { readModels, ...(follower.trouble() && { trouble: follower.trouble() }) }
  }
  server.get('/freshness', async () => state())

  const querystring = {
    type: 'object',
    properties: {
      through: { type: 'string' },
      timeout: { type: 'integer', minimum: 0, maximum: LONGEST_WAIT_MS, default: 30_000 },
      settled: { type: 'boolean', default: true },
    },
  }
  server.get<{ Querystring: { through?: string; timeout: number; settled: boolean } }>(
    '/wait',
    { schema: { querystring } },
    async ({ query }, reply) => {
      const through = query.through === undefined ? Date.now() : Date.parse(query.through)
      if (Number.isNaN(through)) {
        throw new Problem(400, { code: 'invalid', detail: `through="${query.through}" is not a time` })
      }
      const wait = query.settled ? follower.waitForConsequences : follower.waitFor
      const complete = await wait(through, query.timeout)
      if (complete) return state()
      const waits = [...follower.standings()].flatMap(([name, s]) => (s.waitingFor ? `${name}: ${s.waitingFor}` : []))
      const waitingFor = follower.trouble() ?? (waits.join('; ') || 'services that subscribe to others')
      return reply.code(504).send({ waitingFor, ...state() })
    },
  )
}

function measure(follower: Follower, register: Registry): void {
  const registers = [register]
  const labelNames = ['read_model'] as const
  const each = (set: (readModel: string, completeThrough: number) => void) => {
    for (const [name, { completeThrough }] of follower.standings()) if (completeThrough > 0) set(name, completeThrough)
  }
  new Gauge({
    name: 'tributary_complete_through_seconds',
    help: 'Everything committed in any database before this time (seconds since 1970) is searchable.',
    labelNames,
    registers,
    collect() {
      each((readModel, at) => this.set({ read_model: readModel }, at / 1000))
    },
  })
  new Gauge({
    name: 'tributary_freshness_lag_seconds',
    help: 'How far behind now the read model is known to be complete.',
    labelNames,
    registers,
    collect() {
      each((readModel, at) => this.set({ read_model: readModel }, (Date.now() - at) / 1000))
    },
  })
}

/** Keeps the small index up to date that dashboards read. */
async function publish(
  follower: Follower,
  client: ReturnType<typeof openElasticsearch>,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  let written = ''
  let ensured = false
  while (!signal.aborted) {
    const documents = Array.from(follower.standings(), ([readModel, { completeThrough }]) => ({
      readModel,
      completeThrough: completeThrough > 0 ? new Date(completeThrough).toISOString() : null,
    }))
    const text = JSON.stringify(documents)
    try {
      if (!ensured) await ensureFreshnessIndex(client)
      ensured = true
      if (text !== written) await writeFreshness(client, documents)
      written = text
    } catch (error) {
      ensured = false
      log.debug({ err: error }, 'freshness could not be written to Elasticsearch')
    }
    await after(PUBLISH_MS, undefined, { signal }).catch(() => {})
  }
}
