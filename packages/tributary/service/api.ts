// What else it knows of a route's schema: `summary`.
import type {} from '@fastify/swagger'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import type { Knex } from 'knex'
import { z } from 'zod'
import { ruleOf } from '#contracts/rules'
import { inTrace } from '#outbox/trace'
import { Problem } from '#runtime/http/problem'
import { type Answer, fingerprint, keyOf, once } from './idempotency.ts'

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

/** Where a service states its routes. Paths are fastify's (`/loans/:loanId`). */
export interface Api {
  post<P extends z.ZodType, B extends z.ZodType>(path: string, route: CommandRoute<P, B>): void
  put<P extends z.ZodType, B extends z.ZodType>(path: string, route: CommandRoute<P, B>): void
  delete<P extends z.ZodType>(path: string, route: CommandRoute<P, z.ZodUndefined>): void
  get<P extends z.ZodType>(path: string, route: QueryRoute<P>): void
}

/** States routes on a fastify server. Commands honour `Idempotency-Key`; every request's `traceparent` reaches its events. */
export function apiOn(server: FastifyInstance, db: Knex): Api {
  const command =
    <P extends z.ZodType, B extends z.ZodType>(route: CommandRoute<P, B>) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      const given = parse(route, request) as Given<z.output<P>, z.output<B>>
      const key = keyOf(request.raw.rawHeaders)
      const { url = '' } = request.routeOptions
      const idempotency =
        key === undefined
          ? undefined
          : {
              key,
              // Where a command takes no body, none and any are the same request.
              fingerprint: fingerprint(request.method, url, request.params, route.body && request.body),
            }
      const answer: Answer = await inTrace(request.headers.traceparent as string | undefined, () =>
        once(db, idempotency, async (trx) => ({ status: route.status ?? 200, body: await route.run(trx, given) })),
      )
      return reply.code(answer.status).send(answer.body)
    }

  const options = <P extends z.ZodType, B extends z.ZodType>(route: CommandRoute<P, B>): RouteShorthandOptions => ({
    ...described(route, { headers: idempotencyHeader }),
    // Before anything of the request is looked at.
    onRequest: async (request) => void keyOf(request.raw.rawHeaders),
  })

  return {
    post: (path, route) => void server.post(path, options(route), command(route)),
    put: (path, route) => void server.put(path, options(route), command(route)),
    delete: (path, route) => void server.delete(path, options(route), command(route)),
    get: (path, route) =>
      void server.get(path, described(route), (request) =>
        route.run(db, parse(route, request) as Given<never, undefined>),
      ),
  }
}

type Described = { readonly summary: string; readonly params?: z.ZodType; readonly body?: z.ZodType }

/** JSON Schema for the description only: zod itself judges, so that every refinement is run. */
function described(route: Described, more: object = {}): RouteShorthandOptions {
  const jsonSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })
  return {
    schema: {
      summary: route.summary,
      ...(route.params && { params: jsonSchema(route.params) }),
      ...(route.body && { body: jsonSchema(route.body) }),
      ...more,
    },
    validatorCompiler: () => () => true,
  }
}

/** What a request brings, by the rules; throws a 400 `Problem` that lists the faults with their paths. */
function parse(route: Described, request: FastifyRequest): Given<unknown, unknown> {
  const faults: string[] = []
  const part = (where: 'params' | 'body') => {
    const schema = route[where]
    if (!schema) return undefined
    const parsed = schema.safeParse(request[where], { reportInput: false })
    if (parsed.success) return parsed.data
    for (const { path, message } of parsed.error.issues) faults.push(`${[where, ...path].join('/')} ${message}`)
    return undefined
  }
  const given = { params: part('params'), body: part('body') }
  if (faults.length > 0) throw new Problem(400, { code: 'invalid', faults })
  return given
}

const { minBytes, maxBytes } = ruleOf('idempotencyKey') as { minBytes: number; maxBytes: number }

const idempotencyHeader = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      minLength: minBytes,
      maxLength: maxBytes,
      pattern: '^[\\x20-\\x7e]*$',
      description: 'Any text unique to this request: a repetition with the same key gets the first answer again.',
    },
  },
}
