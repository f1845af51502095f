import { setTimeout as after } from 'node:timers/promises'
import { type FastifyInstance, LogController } from 'fastify'
import { readFreshnessLogin } from '#database/settings'
import {
  elasticsearchSettings,
  kafkaSettings,
  listenSettings,
  postgresSettings,
  readConfig,
  setting,
} from '#runtime/config'
import { followLetters } from '#runtime/dead-letters/follow'
import { addHealth } from '#runtime/health'
import { Problem } from '#runtime/http/problem'
import { openHttpServer } from '#runtime/http/server'
import { kafkaAt } from '#runtime/kafka-at'
import type { Log } from '#runtime/log'
import type { Running } from '#runtime/main'
import { Gauge, openMetrics, type Registry } from '#runtime/metrics'
import { topicIdOf } from '#runtime/topic-id'
import { elasticsearchAt, openElasticsearch } from '#sink/client'
import { openFreshnessIndex } from '#sink/freshness-index'
import { currentIndex } from '#sink/generations'
import { openAudit } from './audit.ts'
import { openDatabases } from './databases.ts'
import { letterConcerns } from './exceptions.ts'
import { type Follower, follow } from './follower.ts'
import type { Chain } from './stages.ts'
import { openBrokers } from './topics.ts'

/** The index is written at most this often, in ms. */
const PUBLISH_MS = 1_000
const LONGEST_WAIT_MS = 60_000

/** What is followed, and where what was set aside on the way is said. */
export interface Freshened extends Chain {
  readonly deadLetterTopics: ReadonlyMap<string, string>
}

/** The process `tributary freshness`: follows the chain and tells how far each read model is complete. */
export async function startFreshness(system: Freshened, log: Log): Promise<Running> {
  const config = readConfig({
    ...kafkaSettings,
    ...elasticsearchSettings,
    ...postgresSettings,
    ...listenSettings,
    FRESHNESS_PORT: setting.port.prefault(14_022),
    FRESHNESS_DB_PASSWORD: setting.secret,
  })
  const kafka = kafkaAt(config)
  const brokers = await openBrokers(kafka)
  const databases = openDatabases([...system.domainTopics.keys()], readFreshnessLogin())
  const client = openElasticsearch(elasticsearchAt(config))
  const letters = followLetters(kafka, system.deadLetterTopics, 'tributary-freshness-letters')
  const audit = openAudit({
    topics: [...system.domainTopics.values()],
    databases,
    brokers,
    kafkaBrokers: kafka,
    topicId: (topic) => topicIdOf(kafka, topic),
    log,
  })
  const follower = follow({
    chain: system,
    audit,
    brokers,
    letters,
    currentIndex: (name) => currentIndex(client, name),
    log,
  })
  const metrics = openMetrics()
  measure(follower, metrics)

  const server = openHttpServer({
    log,
    allowedHosts: config.ALLOWED_HOSTS,
    fastify: { forceCloseConnections: true, logController: new LogController({ disableRequestLogging: true }) },
  })
  addHealth(server, follower.trouble, metrics, () => [...audit.concerns(), ...letterConcerns(letters)])
  addRoutes(server, follower)
  await server.listen({ host: config.HOST, port: config.FRESHNESS_PORT })

  const stopped = new AbortController()
  const publishing = publish(follower, client, stopped.signal, log)
  return {
    async stop() {
      stopped.abort()
      await follower.stop()
      await publishing
      await Promise.all([audit.stop(), letters.stop(), server.close()])
      await Promise.all([databases.close(), brokers.close(), client.close()])
    },
  }
}

/** How many exceptions an answer lists of each read model; it says how many there are. */
const MOST_LISTED = 100

/** `GET /freshness`, and `GET /wait`, which answers when everything is searchable. */
export function addRoutes(server: FastifyInstance, follower: Follower): void {
  const state = async () => {
    const standings = await follower.standings()
    const now = Date.now()
    const readModels = Object.fromEntries(
      [...standings].map(([name, { completeThrough, index, except, waitingFor }]) => [
        name,
        {
          completeThrough: completeThrough > 0 ? new Date(completeThrough).toISOString() : null,
          lagMs: completeThrough > 0 ? now - completeThrough : null,
          index: index ?? null,
          except: except.slice(0, MOST_LISTED),
          exceptCount: except.length,
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
      mark: { type: 'string' },
      timeout: { type: 'integer', minimum: 0, maximum: LONGEST_WAIT_MS, default: 30_000 },
      settled: { type: 'boolean', default: true },
    },
  }
  server.get<{ Querystring: { mark?: string; timeout: number; settled: boolean } }>(
    '/wait',
    { schema: { querystring } },
    async ({ query }, reply) => {
      const mark = query.mark ?? follower.mark()
      if (!follower.knows(mark)) {
        const detail = `mark="${mark}" is of an earlier life of this process: ask without a mark`
        throw new Problem(410, { code: 'unknown_mark', detail })
      }
      const wait = query.settled ? follower.waitForConsequences : follower.waitFor
      const complete = await wait(mark, query.timeout)
      const answer = await state()
      if (complete) return { mark, ...answer }
      const waits = Object.entries(answer.readModels).flatMap(([name, s]) =>
        s.waitingFor ? [`${name}: ${s.waitingFor}`] : [],
      )
      const waitingFor = follower.trouble() ?? (waits.join('; ') || 'services that subscribe to others')
      return reply.code(504).send({ mark, waitingFor, ...answer })
    },
  )
}

function measure(follower: Follower, register: Registry): void {
  const registers = [register]
  const labelNames = ['read_model'] as const
  const each = (set: (readModel: string, completeThrough: number) => void) => {
    for (const [name, { completeThrough }] of follower.lastStandings())
      if (completeThrough > 0) set(name, completeThrough)
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
  const claims = openFreshnessIndex(client)
  while (!signal.aborted) {
    try {
      const standings = await follower.standings()
      await claims.write(
        Array.from(standings, ([readModel, { completeThrough, index, except }]) => ({
          readModel,
          completeThrough: completeThrough > 0 ? new Date(completeThrough).toISOString() : null,
          index: index ?? null,
          exceptCount: except.length,
        })),
      )
    } catch (error) {
      log.debug({ err: error }, 'freshness could not be written to Elasticsearch')
    }
    await after(PUBLISH_MS, undefined, { signal }).catch(() => {})
  }
}
