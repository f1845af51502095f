import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, LogController } from 'fastify'
import type { Knex } from 'knex'
import { addHealth, type HealthCheck } from '#runtime/health.ts'
import type { Log } from '#runtime/log.ts'
import { Counter, Histogram, type Registry } from '#runtime/metrics.ts'
import { apiOn } from './api.ts'
import type { ServiceDefinition } from './definition.ts'
import { isOutage, sqlState } from './outage.ts'
import { Refusal } from './refusal.ts'

/**
 * A service's HTTP server, not yet listening: its routes, `/docs` and `/openapi.json`, `/health`, `/metrics`.
 * @param db the service's database with its outbox
 */
export async function openServer(
  service: ServiceDefinition,
  db: Knex,
  options: { readonly log: Log; readonly metrics: Registry; readonly health: HealthCheck },
): Promise<FastifyInstance> {
  const server = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    // An id has up to 201 characters, and a character up to nine in a path.
    routerOptions: { maxParamLength: 2_000 },
    logController: new LogController({ disableRequestLogging: true }),
    // Taken as sent: "12345e6" stays a text, and an unknown property is a fault.
    ajv: { customOptions: { allErrors: true, coerceTypes: false, removeAdditional: false } },
  })
  await server.register(swagger, {
    openapi: { info: { title: `tributary ${service.name}`, description: service.description, version: '1' } },
  })
  await server.register(swaggerUi, { routePrefix: '/docs' })
  acceptEmptyBodies(server)
  answerErrors(server)
  measureRequests(server, options.metrics)
  addHealth(server, options.health, options.metrics)
  server.get('/openapi.json', { schema: { hide: true } as object }, async () => server.swagger())
  service.routes(apiOn(server, db))
  return server
}

/** Many clients say `content-type: application/json` even where a command takes no body. */
function acceptEmptyBodies(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error')
  server.removeContentTypeParser('application/json')
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else parse(request, body as string, done)
  })
}

function answerErrors(server: FastifyInstance): void {
  server.setNotFoundHandler((request, reply) => {
    const message = `${request.method} ${request.url}: no such route, see /docs`
    return reply.code(404).send({ code: 'no_route', retryable: false, message })
  })
  server.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof Refusal) {
      const { code, retryable, message } = error
      return reply.code(error.status).send({ code, retryable, message })
    }
    if (error.validation) {
      const faults = error.validation.map((v) => `${error.validationContext}${v.instancePath} ${v.message}`)
      return reply.code(400).send({ code: 'invalid', retryable: false, message: faults.join('; '), faults })
    }
    if (error.name === 'InvalidValue' || error.name === 'PayloadTooLarge') {
      return reply.code(400).send({ code: 'invalid', retryable: false, message: error.message })
    }
    // Class 22. The error's own message holds the statement with its values.
    if (sqlState(error)?.startsWith('22')) {
      const message = "the database can't hold a value: a text with a NUL, a number or a time out of range"
      return reply.code(400).send({ code: 'invalid', retryable: false, message })
    }
    if (sqlState(error) === '23505') {
      return reply.code(409).send({ code: 'exists', retryable: false, message: 'it exists already' })
    }
    if (isOutage(error)) {
      request.log.warn({ err: error }, 'database unavailable')
      return reply.code(503).send({ code: 'unavailable', retryable: true, message: 'the database is unavailable' })
    }
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return reply.code(error.statusCode).send({ code: error.code, retryable: false, message: error.message })
    }
    request.log.error({ err: error, route: request.routeOptions.url }, 'request failed')
    return reply.code(500).send({ code: 'internal', retryable: false, message: 'internal error, see the log' })
  })
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
