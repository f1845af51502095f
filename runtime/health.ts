import Fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from './metrics.ts'

/** Why a process isn't ready, or undefined when it is. */
export type HealthCheck = () => string | undefined

/** Adds `GET /health` (200 `{"status":"ok"}`, or 503 with the reason) and `GET /metrics` (Prometheus text). */
export function addHealth(server: FastifyInstance, check: HealthCheck, metrics: Registry): void {
  server.get('/health', { schema: { hide: true } as object }, async (_, reply) => {
    const reason = check()
    return reason === undefined ? { status: 'ok' } : reply.code(503).send({ status: 'unavailable', reason })
  })
  server.get('/metrics', { schema: { hide: true } as object }, async (_, reply) => {
    return reply.type(metrics.contentType).send(await metrics.metrics())
  })
}

/** A server with nothing but health and metrics, for processes that serve nothing else. */
export async function serveHealth(options: {
  readonly host: string
  readonly port: number
  readonly check: HealthCheck
  readonly metrics: Registry
}): Promise<{ close(): Promise<void> }> {
  const server = Fastify({ logger: false })
  addHealth(server, options.check, options.metrics)
  await server.listen({ host: options.host, port: options.port })
  return { close: () => server.close() }
}
