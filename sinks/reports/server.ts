import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Client, errors } from '@elastic/elasticsearch'
import fastifyStatic from '@fastify/static'
import { type FastifyInstance, LogController } from 'fastify'
import { elasticsearchSettings, kafkaSettings, listenSettings, readConfig, setting } from '#runtime/config.ts'
import { addHealth } from '#runtime/health.ts'
import { Problem } from '#runtime/http/problem.ts'
import { openHttpServer } from '#runtime/http/server.ts'
import type { Log } from '#runtime/log.ts'
import type { Running } from '#runtime/main.ts'
import { openMetrics } from '#runtime/metrics.ts'
import { openElasticsearch } from '#sinks/elasticsearch/client.ts'
import { freshnessSettings } from '#sinks/freshness/index.ts'
import { csvHead, csvLine } from './csv.ts'
import { countDeadLetters } from './dead-letter-count.ts'
import { reports } from './definitions.ts'
import { allOrders, findOrder, listOrders, type OrderSearch, SORTS, type Sort } from './orders.ts'
import { intervalFor, panelResult, panelSearch } from './queries.ts'
import { type Filters, unusedFilters } from './report.ts'

const PUBLIC = fileURLToPath(new URL('./public', import.meta.url))
const PAGE = 25
/** Elasticsearch pages no further than this. */
const DEEPEST = 10_000 - PAGE

/** Nothing but what this server serves, and nothing inline. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

/** What the page's server needs. */
export interface ReportsOptions {
  readonly client: Client
  /** How far each read model is complete, in the words of `GET /freshness`; undefined when nobody tells. */
  freshness(): Promise<unknown>
  /** Records set aside, by application. */
  deadLetters(): Readonly<Record<string, number>> | undefined
  readonly log?: Log
  readonly allowedHosts?: readonly string[]
}

/** The process `tributary reports`. */
export async function startReports(log: Log): Promise<Running> {
  const config = readConfig({
    ...elasticsearchSettings,
    ...kafkaSettings,
    ...freshnessSettings,
    ...listenSettings,
    REPORTS_PORT: setting.port.prefault(14_000),
  })
  const client = openElasticsearch(config.ELASTICSEARCH_URL)
  const letters = countDeadLetters(config.KAFKA_BROKERS, log)
  const server = await reportsServer({
    client,
    log,
    allowedHosts: config.ALLOWED_HOSTS,
    deadLetters: letters.counts,
    freshness: async () => {
      const response = await fetch(`${config.FRESHNESS_URL}/freshness`, { signal: AbortSignal.timeout(2_000) })
      return response.ok ? response.json() : undefined
    },
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

const text = { type: 'string', maxLength: 200 }
const date = { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' }
const filterProperties = {
  from: date,
  to: date,
  day: date,
  state: text,
  category: text,
  status: text,
  differs: { type: 'string', enum: ['yes'] },
}
const searchProperties = {
  ...filterProperties,
  q: { ...text, default: '' },
  sort: { type: 'string', enum: Object.keys(SORTS), default: 'newest' },
}

type SearchQuery = Filters & { readonly q: string; readonly sort: Sort }
const searchOf = ({ q, sort, ...filters }: SearchQuery): OrderSearch => ({ text: q, sort, filters })

/** The report page and what it asks for: figures from aggregations over the read models, and orders. */
export async function reportsServer({
  client,
  freshness,
  deadLetters,
  log,
  allowedHosts = [],
}: ReportsOptions): Promise<FastifyInstance> {
  const server = openHttpServer({
    ...(log && { log }),
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
  })
  await server.register(fastifyStatic, { root: PUBLIC, cacheControl: false, etag: true })

  server.get('/api/reports', async () => ({ reports: reports.map(({ id, title }) => ({ id, title })) }))

  server.get<{ Params: { id: string }; Querystring: Filters }>(
    '/api/reports/:id',
    { schema: { querystring: { type: 'object', properties: filterProperties } } },
    async ({ params, query }) => {
      const report = reports.find(({ id }) => id === params.id)
      if (!report) throw notFound(`There is no report “${params.id}”.`)
      const { from, to } = await periodOf(client, query)
      const interval = intervalFor(Date.parse(from), Date.parse(to))
      const answer = await client.msearch({
        searches: report.panels.flatMap((panel) => {
          const { index, ...body } = panelSearch(panel, query, interval)
          return [{ index: index as string }, body]
        }),
      })
      const panels = report.panels.map((panel, at) => {
        const response = answer.responses[at]!
        if ('error' in response) throw new Error(`panel “${panel.title}”: ${response.error.reason}`)
        const { id, title, format, note, by, drill } = panel
        const unused = unusedFilters(panel.readModel, query)
        return { id, title, format, note, unused, drill, split: by?.kind, ...panelResult(panel, response as never) }
      })
      return { id: report.id, title: report.title, interval, panels }
    },
  )

  server.get('/api/choices', async () => {
    const terms = (field: string, size: number) => ({ terms: { field, size, order: { _key: 'asc' as const } } })
    const [orders, sales] = await Promise.all([
      client.search({ index: 'orders', size: 0, aggs: { status: terms('status', 20) } }),
      client.search({
        index: 'sales',
        size: 0,
        aggs: { state: terms('state', 100), category: terms('category', 500) },
      }),
    ])
    const keys = (aggregation: unknown) =>
      (aggregation as { buckets: readonly { key: string }[] }).buckets.map(({ key }) => key)
    return {
      status: keys(orders.aggregations!.status),
      state: keys(sales.aggregations!.state),
      category: keys(sales.aggregations!.category),
    }
  })

  server.get<{ Querystring: SearchQuery & { page: number } }>(
    '/api/orders',
    {
      schema: {
        querystring: {
          type: 'object',
          properties: { ...searchProperties, page: { type: 'integer', minimum: 0, default: 0 } },
        },
      },
    },
    async ({ query: { page, ...query } }) => {
      const from = Math.min(page * PAGE, DEEPEST)
      return { page, size: PAGE, ...(await listOrders(client, searchOf(query), from, PAGE)) }
    },
  )

  server.get<{ Querystring: SearchQuery }>(
    '/api/orders.csv',
    { schema: { querystring: { type: 'object', properties: searchProperties } } },
    async ({ query }, reply) => {
      async function* lines() {
        yield csvHead
        for await (const page of allOrders(client, searchOf(query))) yield page.map(csvLine).join('')
      }
      reply.header('content-disposition', 'attachment; filename="orders.csv"')
      return reply.type('text/csv; charset=utf-8').send(Readable.from(lines()))
    },
  )

  server.get<{ Params: { id: string } }>('/api/orders/:id', async ({ params }) => {
    const order = await findOrder(client, params.id)
    if (!order) throw notFound(`There is no order “${params.id}”.`)
    return order
  })

  server.get('/api/state', async () => ({
    freshness: await freshness().catch(() => undefined),
    deadLetters: deadLetters(),
  }))

  return server
}

const notFound = (detail: string) => new Problem(404, { code: 'not_found', detail })

/** What Elasticsearch's errors are to the one who asked. */
function explain(error: Error): Problem | undefined {
  if (error instanceof errors.ResponseError && error.statusCode === 404) {
    return unavailable('There is no data yet: the indices are being built.', error)
  }
  if (error instanceof errors.ElasticsearchClientError) return unavailable('Elasticsearch doesn’t answer.', error)
  return undefined
}

const unavailable = (detail: string, cause: Error) =>
  new Problem(503, { code: 'unavailable', detail, retryable: true }, { cause })

/** The period a report is about, for the width of its bars: what is filtered, else what the orders span. */
async function periodOf(client: Client, filters: Filters): Promise<{ from: string; to: string }> {
  if (filters.day) return { from: filters.day, to: filters.day }
  if (filters.from && filters.to) return { from: filters.from, to: filters.to }
  const { aggregations } = await client.search({
    index: 'orders',
    size: 0,
    aggs: { from: { min: { field: 'purchasedAt' } }, to: { max: { field: 'purchasedAt' } } },
  })
  const { from, to } = aggregations as unknown as Record<'from' | 'to', { value_as_string?: string }>
  const today = new Date().toISOString()
  return { from: filters.from ?? from.value_as_string ?? today, to: filters.to ?? to.value_as_string ?? today }
}
