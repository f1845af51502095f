import type { Socket } from 'node:net'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Log } from '../log.ts'
import { guard } from './guard.ts'
import { readJson } from './json.ts'
import { PROBLEM_JSON, Problem, problemBody, problemOf } from './problem.ts'

/** What an HTTP server of ours is made with. */
export interface HttpOptions {
  /** Where errors from 500 on go, under the id that is in the answer. Without one nothing is logged. */
  readonly log?: Log
  /** Names beside loopback's under which the server is reached (`ALLOWED_HOSTS`), without ports. */
  readonly allowedHosts?: readonly string[]
  /** What an error of the process's own is to the one who asked; undefined leaves it to the rules of all servers. */
  readonly explain?: (error: Error) => Problem | undefined
  /** What else fastify is to be told. */
  readonly fastify?: FastifyServerOptions
}

/**
 * An HTTP server as all processes have it, not yet listening: foreign hosts and origins are refused, nothing is changed
 * without `content-type: application/json` (guard.ts), and every error is answered as RFC 9457 says (problem.ts).
 */
export function openHttpServer({ log, allowedHosts = [], explain, fastify }: HttpOptions): FastifyInstance {
  const problem = (error: unknown) =>
    error instanceof Problem ? error : (explain?.(error as Error) ?? problemOf(error))
  const server = Fastify({
    ...(log ? { loggerInstance: log as FastifyBaseLogger } : { logger: false }),
    ...fastify,
    frameworkErrors: (error, request, reply) => {
      const body = problemBody(problem(error), request.log)
      reply.raw.writeHead(body.status, { 'content-type': PROBLEM_JSON }).end(JSON.stringify(body))
    },
    clientErrorHandler: answerBrokenRequest,
  }) as FastifyInstance
  readJson(server)
  const check = guard(allowedHosts)
  server.addHook('onRequest', async (request) => check(request))
  server.setErrorHandler((error, request, reply) => {
    const body = problemBody(problem(error), request.log)
    // As bytes: fastify would add a charset, which JSON has none of.
    return reply
      .code(body.status)
      .header('content-type', PROBLEM_JSON)
      .send(Buffer.from(JSON.stringify(body)))
  })
  server.setNotFoundHandler((request) => {
    throw new Problem(404, { code: 'no_route', detail: `${request.method} ${request.url}: there is no such route` })
  })
  return server
}

/** What isn't HTTP, or has more headers than fit, never becomes a request: it is answered on the socket. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const detail = { 431: 'the headers are too large', 408: 'the request took too long', 400: 'this is not HTTP/1.1' }[
    status
  ]
  const problem = new Problem(status, { code: 'bad_request', detail: detail ?? '', retryable: status === 408 })
  const body = problemBody(problem, silent)
  const text = JSON.stringify(body)
  socket.end(
    `HTTP/1.1 ${status} ${body.title}\r\ncontent-type: ${PROBLEM_JSON}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n` +
      `connection: close\r\n\r\n${text}`,
  )
}

const silent = { error: () => {}, warn: () => {} }
