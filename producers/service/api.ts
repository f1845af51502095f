import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Knex } from 'knex'
import { z } from 'zod'
import { inTrace } from '#producers/outbox/trace.ts'
import { type Answer, idempotencyKey, once } from './idempotency.ts'

/** What a request brings, after validation. */
export interface Given<Params, Body> {
  readonly params: Params
  readonly body: Body
}

/** A request that changes something: the command runs in one transaction with its events. */
export interface CommandRoute<Params extends z.ZodType, Body extends z.ZodType> {
  readonly summary: string
  readonly params?: Params
  readonly body?: Body
  /** Status of success; 200 unless told otherwise. */
  readonly status?: number
  run(trx: Knex.Transaction, given: Given<z.output<Params>, z.output<Body>>): Promise<unknown>
}

/** A request that only looks. */
export interface QueryRoute<Params extends z.ZodType> {
  readonly summary: string
  readonly params?: Params
  run(db: Knex, given: Given<z.output<Params>, undefined>): Promise<unknown>
}

/** Where a service states its routes. Paths are fastify's (`/orders/:orderId`). */
export interface Api {
  post<P extends z.ZodType, B extends z.ZodType>(path: string, route: CommandRoute<P, B>): void
  put<P extends z.ZodType, B extends z.ZodType>(path: string, route: CommandRoute<P, B>): void
  delete<P extends z.ZodType>(path: string, route: CommandRoute<P, z.ZodUndefined>): void
  get<P extends z.ZodType>(path: string, route: QueryRoute<P>): void
}

/** An id: no blank, and none of the characters that put ids together into keys. */
export const id = z.string().regex(/^[^\s/|]{1,100}$/)
/** A short text that becomes part of a document's key. */
export const name = z.string().regex(/^[^|]{1,100}$/)
export const zip = z.string().regex(/^[^\s]{1,20}$/)
export const cents = z.int().min(0)
export const count = z.int().min(0).max(2_147_483_647)
/** RFC 3339, e.g. `2018-08-07T10:00:00Z`. */
export const instant = z.iso.datetime({ offset: true })

/** Milliseconds of an RFC 3339 instant. */
export const ms = (text: string): number => Date.parse(text)
/** The same, where the time may be unknown. */
export const msOrNull = (text: string | null): number | null => (text === null ? null : ms(text))

/** States routes on a fastify server. POSTs honour `Idempotency-Key`; every request's `traceparent` reaches its events. */
export function apiOn(server: FastifyInstance, db: Knex): Api {
  const jsonSchema = (schema: z.ZodType | undefined) =>
    schema && z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })

  const described = (route: { summary: string; params?: z.ZodType; body?: z.ZodType }, headers?: object) => ({
    schema: {
      summary: route.summary,
      ...(route.params && { params: jsonSchema(route.params) }),
      ...(route.body && { body: jsonSchema(route.body) }),
      ...(headers && { headers }),
    },
  })

  const command =
    <P extends z.ZodType, B extends z.ZodType>(route: CommandRoute<P, B>) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      const header = request.headers['idempotency-key'] as string | undefined
      const key = header === undefined ? undefined : idempotencyKey(header, request.method, request.url, request.body)
      const given = { params: request.params, body: request.body } as Given<z.output<P>, z.output<B>>
      const answer: Answer = await inTrace(request.headers.traceparent as string | undefined, () =>
        once(db, key, async (trx) => ({ status: route.status ?? 200, body: await route.run(trx, given) })),
      )
      return reply.code(answer.status).send(answer.body)
    }

  return {
    post: (path, route) => void server.post(path, described(route, idempotencyHeader), command(route)),
    put: (path, route) => void server.put(path, described(route), command(route)),
    delete: (path, route) => void server.delete(path, described(route), command(route)),
    get: (path, route) =>
      void server.get(path, described(route), (request) =>
        route.run(db, { params: request.params, body: undefined } as Given<never, undefined>),
      ),
  }
}

const idempotencyHeader = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      minLength: 1,
      maxLength: 200,
      description: 'Any text unique to this request: a repetition with the same key gets the first answer again.',
    },
  },
}
