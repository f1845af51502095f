import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from '@elastic/elasticsearch'
import fastifyStatic from '@fastify/static'
import { type FastifyInstance, LogController } from 'fastify'
import type { z } from 'zod'
import { freshnessSettings } from '#freshness/index'
import { elasticsearchSettings, kafkaSettings, listenSettings, readConfig, setting } from '#runtime/config'
import { followLetters } from '#runtime/dead-letters/follow'
import { addHealth } from '#runtime/health'
import { openHttpServer } from '#runtime/http/server'
import { kafkaAt } from '#runtime/kafka-at'
import type { Log } from '#runtime/log'
import type { Running } from '#runtime/main'
import { openMetrics } from '#runtime/metrics'
import { elasticsearchAt, openElasticsearch } from '#sink/client'
import { atMost } from './busy.ts'
import { readChoices } from './choices.ts'
import { csvHead, csvLine } from './csv.ts'
import { explain, notFound } from './errors.ts'
import { allOrders, findOrder, listOrders, type OrderSearch } from './orders.ts'
import { readReport } from './panels.ts'
import { PAGE, parameters, readParameters } from './parameters.ts'
import type { Report } from './report.ts'
import { readState, type StateSources, stateFrom } from './state.ts'

const PUBLIC = fileURLToPath(new URL('./public', import.meta.url))

/** Nothing but what this server serves, and nothing inline. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

/** What the page's server needs. */
export interface ReportsOptions {
  readonly reports: readonly Report[]
  readonly client: Client
  readonly log: Log
  readonly allowedHosts?: readonly string[]
  readonly state: StateSources
  /** How long somebody who takes a CSV file may take nothing of it, in ms. */
  readonly stalledMs?: number
}

/** What is shown, and where what was set aside is said. */
export interface Reported {
  readonly reports: readonly Report[]
  readonly deadLetterTopics: ReadonlyMap<string, string>
}

/** The process `tributary reports`. */
export async function startReports({ reports, deadLetterTopics }: Reported, log: Log): Promise<Running> {
  const config = readConfig({
    ...elasticsearchSettings,
    ...kafkaSettings,
    ...freshnessSettings,
    ...listenSettings,
    REPORTS_PORT: setting.port.prefault(14_000),
  })
  const client = openElasticsearch(elasticsearchAt(config))
  const letters = followLetters(kafkaAt(config), deadLetterTopics, 'tributary-reports')
  const server = await reportsServer({
    reports,
    client,
    log,
    allowedHosts: config.ALLOWED_HOSTS,
    state: stateFrom(config.FRESHNESS_URL, letters, [...deadLetterTopics.keys()]),
  })
  addHealth(server, () => undefined, openMetrics())
  await server.listen({ host: config.HOST, port: config.REPORTS_PORT })
  log.info({ port: config.REPORTS_PORT }, 'the report page is served')
  return {
    async stop() {
      await server.close()
      await letters.stop()
      await client.close()
    },
  }
}

/** Searches at a time, and how many wait for a turn: a page asks for three. CSV files have turns of their own. */
const SEARCHES = { running: 6, waiting: 30 }
/** When to come again where a search wasn't answered, in seconds. */
const RETRY_AFTER_S = 2
const FILES = { running: 2, waiting: 4 }
/** So long may a file wait for its reader, in ms, before others have its turn. */
const STALLED_MS = 30_000

/** The report page and what it asks for: figures from aggregations over the read models, and orders. */
export async function reportsServer(options: ReportsOptions): Promise<FastifyInstance> {
  const { reports, client, state, log, allowedHosts = [], stalledMs = STALLED_MS } = options
  const server = openHttpServer({
    log,
    allowedHosts,
    explain,
    fastify: {
      forceCloseConnections: true,
      routerOptions: { maxParamLength: 4_000 },
      logController: new LogController({ disableRequestLogging: true }),
    },
  })
  server.addHook('onSend', async (_, reply) => {
    reply.headers(HEADERS)
    if (reply.statusCode === 503) reply.header('retry-after', RETRY_AFTER_S)
  })
  await server.register(fastifyStatic, { root: PUBLIC, cacheControl: false, etag: true })
  const search = atMost(SEARCHES.running, SEARCHES.waiting)
  const file = atMost(FILES.running, FILES.waiting)

  server.get('/api/reports', async (request) => {
    readParameters(parameters.none, request.url)
    return { reports: reports.map(({ id, title }) => ({ id, title })) }
  })

  server.get<{ Params: { id: string } }>('/api/reports/:id', async (request) => {
    const filters = readParameters(parameters.report, request.url)
    const report = reports.find(({ id }) => id === request.params.id)
    if (!report) throw notFound(`There is no report “${request.params.id}”.`)
    const panels = await search(() => readReport(client, report, filters, log))
    return { id: report.id, title: report.title, panels }
  })

  server.get('/api/choices', async (request) => {
    readParameters(parameters.none, request.url)
    return search(() => readChoices(client))
  })

  server.get('/api/orders', async (request) => {
    const { page, ...query } = readParameters(parameters.list, request.url)
    return { page, size: PAGE, ...(await search(() => listOrders(client, searchOf(query), page * PAGE, PAGE))) }
  })

  server.get('/api/orders.csv', async (request, reply) => {
    const query = readParameters(parameters.csv, request.url)
    return file(async () => {
      const pages = allOrders(client, searchOf(query))
      // Asked for before the answer begins: a failure can still be told.
      const first = await pages.next()
      async function* lines() {
        yield csvHead
        if (first.done) return
        yield first.value.map(csvLine).join('')
        for await (const page of pages) yield page.map(csvLine).join('')
      }
      reply.header('content-disposition', 'attachment; filename="orders.csv"')
      const text = Readable.from(lines())
      text.on('error', (error) => log.error({ err: error }, 'a CSV file ends early'))
      reply.raw.setTimeout(stalledMs, () => {
        // Where nothing is there to be taken, the search is what takes its time.
        if (reply.raw.writableLength > 0) reply.raw.destroy(new Error(`nothing was taken for ${stalledMs} ms`))
      })
      await Promise.all([
        reply.type('text/csv; charset=utf-8').send(text),
        finished(text).catch(() => {}),
        finished(reply.raw).catch(() => {}),
      ])
      return reply
    })
  })

  // An id may be anything, also what a path can't have as a part of it (`..`).
  server.get('/api/order', async (request) => orderOf(readParameters(parameters.order, request.url).id))
  server.get<{ Params: { id: string } }>('/api/orders/:id', async (request) => {
    readParameters(parameters.none, request.url)
    return orderOf(readParameters(parameters.order, `?id=${encodeURIComponent(request.params.id)}`).id)
  })
  async function orderOf(id: string) {
    const order = await search(() => findOrder(client, id))
    if (!order) throw notFound(`There is no order “${id}”.`)
    return order
  }

  server.get('/api/state', async (request) => {
    readParameters(parameters.none, request.url)
    return readState(state)
  })

  // Beside the page's files: an address of the interface is never taken for one of those.
  server.get('/api/*', (_, reply) => reply.callNotFound())

  return server
}

type Search = z.output<typeof parameters.csv>
const searchOf = ({ q, sort, ...filters }: Search): OrderSearch => ({ text: q, sort, filters })
