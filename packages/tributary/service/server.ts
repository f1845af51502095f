import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { type FastifyInstance, LogController } from 'fastify'
import type { Knex } from 'knex'
import { isLocked } from '#database/locks'
import { addHealth, type ConcernsCheck, type HealthCheck } from '#runtime/health'
import { PROBLEM_JSON, Problem, problemSchema } from '#runtime/http/problem'
import { openHttpServer } from '#runtime/http/server'
import type { Log } from '#runtime/log'
import { Counter, Histogram, type Registry } from '#runtime/metrics'
import { apiOn } from './api.ts'
import type { ServiceDefinition } from './definition.ts'
import { isOutage, sqlState } from './outage.ts'

/**
 * A service's HTTP server, not yet listening: its routes, `/docs` and `/openapi.json`, `/health`, `/metrics`.
 * @param db the service's database with its outbox
 */
export async function openServer(
  service: ServiceDefinition,
  db: Knex,
  options: {
    readonly log: Log
    readonly metrics: Registry
    readonly health: HealthCheck
    readonly concerns?: ConcernsCheck
    readonly allowedHosts?: readonly string[]
  },
): Promise<FastifyInstance> {
  const server = openHttpServer({
    log: options.log,
    allowedHosts: options.allowedHosts ?? [],
    explain,
    fastify: {
      // A shipment's id has up to 1,201 bytes, and each byte up to three characters in a path.
      routerOptions: { maxParamLength: 4_000 },
      logController: new LogController({ disableRequestLogging: true }),
    },
  })
  await server.register(swagger, {
    openapi: { info: { title: `tributary ${service.name}`, description: service.description, version: '1' } },
    transform: ({ schema, url }) => ({ schema: { ...schema, response: { 200: success, ...problems } }, url }),
  })
  await server.register(swaggerUi, { routePrefix: '/docs' })
  measureRequests(server, options.metrics)
  addHealth(server, options.health, options.metrics, options.concerns)
  server.get('/openapi.json', { schema: { hide: true } as object }, async () => server.swagger())
  service.routes(apiOn(server, db))
  return server
}

/** For the description only: answers are written as problem.ts does. */
const success = { description: 'What was done or found' }
const problemAnswer = (description: string) => ({
  description,
  content: { [PROBLEM_JSON]: { schema: problemSchema } },
})
const problems = {
  '4XX': problemAnswer('The request is refused; `retryable` says whether the same one may succeed later'),
  '5XX': problemAnswer('The service has a fault, which the log has under `id`; the same request may be sent again'),
}

/** What errors of a command and its database are to the one who asked. */
function explain(error: Error): Problem | undefined {
  if (['InvalidValue', 'RuleBroken', 'PayloadTooLarge'].includes(error.name)) {
    return new Problem(400, { code: 'invalid', detail: error.message })
  }
  // Class 22. The error's own message holds the statement with its values.
  if (sqlState(error)?.startsWith('22')) {
    const detail = "the database can't hold a value: a text with a NUL, a number or a time out of range"
    return new Problem(400, { code: 'invalid', detail })
  }
  if (sqlState(error) === '23505') return new Problem(409, { code: 'exists', detail: 'it exists already' })
  if (isLocked(error)) {
    const detail = 'another transaction holds what this is about: send it again in a moment'
    return new Problem(503, { code: 'locked', detail, retryable: true }, { cause: error })
  }
  if (!isOutage(error)) return undefined
  const outage = { code: 'unavailable', detail: 'the database is unavailable', retryable: true }
  return new Problem(503, outage, { cause: error })
}

function measureRequests(server: FastifyInstance, metrics: Registry): void {
  const seconds = new Histogram({
    name: 'tributary_http_request_seconds',
    help: 'Time to answer a request',
    labelNames: ['method', 'route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [metrics],
  })
  const answers = new Counter({
    name: 'tributary_http_answers_total',
    help: 'Answered requests',
    labelNames: ['method', 'route', 'status'],
    registers: [metrics],
  })
  server.addHook('onResponse', (request, reply, done) => {
    const labels = { method: request.method, route: request.routeOptions.url ?? '(none)' }
    seconds.observe(labels, reply.elapsedTime / 1000)
    answers.inc({ ...labels, status: reply.statusCode })
    done()
  })
}
