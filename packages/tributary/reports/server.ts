import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from '@elastic/elasticsearch'
import fastifyStatic from '@fastify/static'
import { type FastifyInstance, LogController } from 'fastify'
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
import type { SystemPage } from '#system/page'
import { atMost } from './busy.ts'
import { readChoices } from './choices.ts'
import { csvColumns, csvHead, csvLine } from './csv.ts'
import { describePage, type Reporting } from './describe.ts'
import { allDocuments, findDocument, listDocuments } from './documents.ts'
import { explain, notFound } from './errors.ts'
import { readReport } from './panels.ts'
import { PAGE, parameters, parametersOf, readParameters } from './parameters.ts'
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
  readonly reporting: Reporting
  readonly client: Client
  readonly log: Log
  readonly allowedHosts?: readonly string[]
  readonly state: StateSources
  /** What `/system` shows. */
  readonly system: SystemPage
  /** How long somebody who takes a CSV file may take nothing of it, in ms. */
  readonly stalledMs?: number
}

/** What is shown, and where what was set aside is said. */
export interface Reported extends Reporting {
  readonly deadLetterTopics: ReadonlyMap<string, string>
}

/** The process `tributary reports`. */
export async function startReports(reported: Reported, system: SystemPage, log: Log): Promise<Running> {
  const { deadLetterTopics } = reported
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
    reporting: reported,
    client,
    log,
    allowedHosts: config.ALLOWED_HOSTS,
    system,
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

/** The report page and what it asks for: figures from aggregations over the read models, and documents. */
export async function reportsServer(options: ReportsOptions): Promise<FastifyInstance> {
  const { reporting, system, client, state, log, allowedHosts = [], stalledMs = STALLED_MS } = options
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

  const readModels = new Map(reporting.readModels.map((model) => [model.name, model]))
  const reports = new Map(
    reporting.reports.map((report) => {
      const scope = { filters: report.filters ?? [], readModels, timeZone: reporting.timeZone }
      return [report.id, { report, scope, takes: parametersOf(report, readModels) }]
    }),
  )
  const reportOf = (id: string) => {
    const found = reports.get(id)
    if (!found) throw notFound(`There is no report “${id}”.`)
    return found
  }
  const listOf = ({ id, list }: Report) => {
    if (!list) throw notFound(`The report “${id}” has no list of documents.`)
    return list
  }

  const page = describePage(reporting)
  server.get('/api/reports', async (request) => {
    readParameters(parameters.none, request.url)
    return page
  })

  server.get<{ Params: { id: string } }>('/api/reports/:id', async (request) => {
    const { report, scope, takes } = reportOf(request.params.id)
    const values = readParameters(takes.report, request.url)
    const panels = await search(() => readReport(client, scope, report, values, log))
    return { id: report.id, title: report.title, panels }
  })

  server.get<{ Params: { id: string } }>('/api/reports/:id/choices', async (request) => {
    const { scope } = reportOf(request.params.id)
    readParameters(parameters.none, request.url)
    return search(() => readChoices(client, scope))
  })

  server.get<{ Params: { id: string } }>('/api/reports/:id/documents', async (request) => {
    const { report, scope, takes } = reportOf(request.params.id)
    const list = listOf(report)
    const { page, q, sort, values } = readParameters(takes.list, request.url)
    const asked = { text: q, sort, values }
    const found = await search(() => listDocuments(client, scope, list, asked, page * PAGE, PAGE))
    return { page, size: PAGE, ...found }
  })

  server.get<{ Params: { id: string } }>('/api/reports/:id/documents.csv', async (request, reply) => {
    const { report, scope, takes } = reportOf(request.params.id)
    const list = listOf(report)
    const { q, sort, values } = readParameters(takes.csv, request.url)
    const columns = csvColumns(list)
    const line = csvLine(columns, reporting.currency)
    return file(async () => {
      const fields = columns.map(({ field }) => field)
      const pages = allDocuments(client, scope, list, { text: q, sort, values }, fields)
      // Asked for before the answer begins: a failure can still be told.
      const first = await pages.next()
      async function* lines() {
        yield csvHead(columns)
        if (first.done) return
        yield first.value.map(line).join('')
        for await (const page of pages) yield page.map(line).join('')
      }
      reply.header('content-disposition', `attachment; filename="${list.readModel}.csv"`)
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
  server.get<{ Params: { readModel: string } }>('/api/documents/:readModel', async (request) => {
    const { readModel } = request.params
    return documentOf(readModel, readParameters(parameters.document, request.url).id)
  })
  server.get<{ Params: { readModel: string; id: string } }>('/api/documents/:readModel/:id', async (request) => {
    const { readModel, id } = request.params
    readParameters(parameters.none, request.url)
    return documentOf(readModel, readParameters(parameters.document, `?id=${encodeURIComponent(id)}`).id)
  })
  async function documentOf(readModel: string, id: string) {
    if (!readModels.has(readModel)) throw notFound(`There is no read model “${readModel}”.`)
    const document = await search(() => findDocument(client, readModel, id))
    if (!document) throw notFound(`There is no document “${id}” in “${readModel}”.`)
    return document
  }

  server.get('/api/state', async (request) => {
    readParameters(parameters.none, request.url)
    return readState(state)
  })

  server.get('/system', (_, reply) => reply.sendFile('system.html'))
  server.get('/api/system', async (request) => {
    readParameters(parameters.none, request.url)
    return system
  })

  // Beside the page's files: an address of the interface is never taken for one of those.
  server.get('/api/*', (_, reply) => reply.callNotFound())

  return server
}
