import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { FastifyBaseLogger, FastifyError } from 'fastify'

/** What a problem says beside its status. */
export interface ProblemDetails {
  /** One word for programs: what kind of fault it is. */
  readonly code: string
  /** For a person: what happened, to which thing, and what to do. Never an internal of the server. Left out: the faults. */
  readonly detail?: string
  /** Whether the same request may succeed later without anybody changing it. */
  readonly retryable?: boolean
  /** The faults of the request, one by one, each with its place; of many, the first are told. */
  readonly faults?: readonly string[]
}

/** An error that is answered as it stands. Anything else that is thrown is answered as an `internal` one. */
export class Problem extends Error {
  override readonly name: string = 'Problem'
  readonly status: number
  readonly code: string
  readonly retryable: boolean
  readonly faults: readonly string[] | undefined

  constructor(status: number, details: ProblemDetails, options?: ErrorOptions) {
    const { code, retryable = false } = details
    const faults = details.faults && firstOf(details.faults)
    super(shortened(details.detail ?? faults?.join('; ') ?? code, DETAIL_LENGTH), options)
    this.status = status
    this.code = code
    this.retryable = retryable
    this.faults = faults
  }
}

/** An answer doesn't grow with what was sent: so many faults are told one by one, with so many characters each. */
const MOST_FAULTS = 20
const FAULT_LENGTH = 500
const DETAIL_LENGTH = MOST_FAULTS * FAULT_LENGTH

function firstOf(faults: readonly string[]): readonly string[] {
  const told = faults.slice(0, MOST_FAULTS).map((fault) => shortened(fault, FAULT_LENGTH))
  return faults.length > MOST_FAULTS ? [...told, `and ${faults.length - MOST_FAULTS} more`] : told
}

const shortened = (text: string, length: number) => (text.length > length ? `${text.slice(0, length)}…` : text)

/** The media type of RFC 9457. */
export const PROBLEM_JSON = 'application/problem+json'

/** An error's answer as RFC 9457 says, with `code`, `retryable`, `faults` and `id` as extension members. */
export interface ProblemBody {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly retryable: boolean
  readonly faults?: readonly string[]
  /** Of answers from 500 on: the log's entry of it has the same one. */
  readonly id?: string
}

/** `ProblemBody` as JSON Schema, for descriptions. */
export const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'retryable'],
  properties: {
    type: { type: 'string', enum: ['about:blank'] },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What happened, to which thing, and what to do' },
    code: { type: 'string', description: 'One word for programs' },
    retryable: { type: 'boolean', description: 'Whether the same request may succeed later as it is' },
    faults: {
      type: 'array',
      items: { type: 'string' },
      description: 'Each fault with its place; of many, the first and how many more there are',
    },
    id: { type: 'string', description: "From 500 on: the log's entry has the same one" },
  },
} as const

/** The answer to an error, and what the log keeps of it: from 500 on the error itself, under the answer's id. */
export function problemBody(problem: Problem, log: Pick<FastifyBaseLogger, 'error' | 'warn'>): ProblemBody {
  const { status, code, message: detail, retryable, faults } = problem
  const body = {
    type: 'about:blank' as const,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: detail.toWellFormed(),
    code,
    retryable,
    ...(faults && { faults: faults.map((fault) => fault.toWellFormed()) }),
  }
  if (status < 500) return body
  const id = randomUUID()
  const entry = { err: problem.cause ?? problem, id, code }
  if (retryable) log.warn(entry, 'request could not be carried out')
  else log.error(entry, 'request failed')
  return { ...body, id }
}

/** What an error is to the one who asked. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  const { validation, validationContext, statusCode, code, message } = error as Partial<FastifyError>
  if (validation) {
    const faults = validation.map((fault) => `${validationContext}${fault.instancePath} ${fault.message}`)
    return new Problem(400, { code: 'invalid', faults })
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem(statusCode, { code: codes[code ?? ''] ?? 'bad_request', detail: message ?? 'bad request' })
  }
  return new Problem(
    500,
    { code: 'internal', detail: 'an internal error: the log has it under this id' },
    { cause: error },
  )
}

/** Fastify's own refusals (https://fastify.dev/docs/latest/Reference/Errors/). */
const codes: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_BAD_URL: 'bad_url',
  FST_ERR_MAX_PARAM_LENGTH: 'url_too_long',
}
