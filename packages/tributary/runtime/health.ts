import type { FastifyInstance } from 'fastify'
import { openHttpServer } from './http/server.ts'
import type { Registry } from './metrics.ts'

/** Something that isn't as it should be though the process works: what, and the command or act that mends it. */
export interface Concern {
  /** The part it is about: a service, topic, connector, read model, slot. */
  readonly part: string
  /** In a sentence, with figures. */
  readonly what: string
  /** A command that mends it, or what a person has to do. */
  readonly remedy?: string
}

/** Why a process isn't ready, or undefined when it is. */
export type HealthCheck = () => string | undefined

/** What the process knows of that isn't well though it works: open dead letters, a slot that is pinned, … */
export type ConcernsCheck = () => readonly Concern[]

/**
 * Adds `GET /health` (200 `{"status":"ok","concerns":[…]}`, or 503 with the reason and the concerns) and `GET /metrics`
 * (Prometheus text). A reason says that the process doesn't do its work; a concern, that something else needs somebody.
 */
export function addHealth(
  server: FastifyInstance,
  check: HealthCheck,
  metrics: Registry,
  concernsOf: ConcernsCheck = () => [],
): void {
  server.get('/health', { schema: { hide: true } as object }, async (_, reply) => {
    const reason = check()
    const concerns = concernsOf()
    return reason === undefined
      ? { status: 'ok', concerns }
      : reply.code(503).send({ status: 'unavailable', reason, concerns })
  })
  server.get('/metrics', { schema: { hide: true } as object }, async (_, reply) => {
    return reply.type(metrics.contentType).send(await metrics.metrics())
  })
}

/** A server with nothing but health and metrics, for processes that serve nothing else. */
export async function serveHealth(options: {
  readonly host: string
  readonly port: number
  readonly allowedHosts: readonly string[]
  readonly check: HealthCheck
  readonly concerns?: ConcernsCheck
  readonly metrics: Registry
}): Promise<{ close(): Promise<void> }> {
  const server = openHttpServer({ allowedHosts: options.allowedHosts })
  addHealth(server, options.check, options.metrics, options.concerns)
  await server.listen({ host: options.host, port: options.port })
  return { close: () => server.close() }
}
