import { z } from 'zod'
import type { ReadModel } from '#read-models/read-model'
import { Problem } from '#runtime/http/problem'
import { wordsOf } from './documents.ts'
import { fieldAt, isNumeric, type Kind } from './fields.ts'
import type { Filter, Report } from './report.ts'

/** Documents a page of the list shows. */
export const PAGE = 25
/** Elasticsearch counts no further than this to find a page; a list that is longer is taken as CSV. */
const DEEPEST = 10_000
/** Words of a search: each is looked for in a dozen fields. */
const MOST_WORDS = 8

/** A parameter that makes no sense: which one, and why, for the person who sent it. */
export class BadParameter extends Problem {
  override readonly name = 'BadParameter'
  constructor(parameter: string, what: string) {
    const fault = `${parameter}: ${what}`
    super(400, { code: 'invalid', detail: fault, faults: [fault] })
  }
}

const text = z.string().max(400, 'has more than 400 characters')
const date = z.iso
  .date('is not a date like 2018-08-07')
  .refine((value) => value >= '0001-01-01', 'lies before the year 1')

const query = text
  .refine(
    (value) => wordsOf(value).length <= MOST_WORDS,
    `has more than ${MOST_WORDS} words: leave the least telling ones out`,
  )
  .default('')
const page = z
  .string()
  .regex(/^\d{1,9}$/, 'is not a page’s number: 0, 1, 2 …')
  .transform(Number)
  .refine(
    (value) => (value + 1) * PAGE <= DEEPEST,
    `the list shows its first ${DEEPEST} documents only (pages 0 to ${DEEPEST / PAGE - 1}): narrow it by a filter or a word, order it the other way round, or take all of it as CSV`,
  )
  .default(0)

/** The parameters of a period. */
export const PERIOD = ['from', 'to', 'day'] as const
/** Parameters of the page and of its lists, whatever filters there are. */
export const OWN_PARAMETERS: readonly string[] = [...PERIOD, 'report', 'q', 'sort', 'page', 'id']

type Values = Readonly<Record<string, string | undefined>>
const inOrder = (sent: object) => {
  const { from, to } = sent as Values
  return !from || !to || from <= to
}
const later = { path: ['to'], message: 'lies before “from”' }

/** What routes take that aren't a report's. Unknown parameters are faults, here and there. */
export const parameters = {
  none: z.strictObject({}),
  document: z.strictObject({ id: z.string().max(1_000, 'has more than 1,000 characters') }),
} as const

/** What the routes of a report take: its filters, and what its list is asked for. */
export interface ReportParameters {
  readonly report: z.ZodType<Values>
  readonly list: z.ZodType<Listing & { readonly page: number }>
  readonly csv: z.ZodType<Listing>
}
interface Listing {
  readonly values: Values
  readonly q: string
  readonly sort: string
}

/**
 * The parameters of a report, from what it declares. Unknown ones are faults: a misspelt filter would give the figures
 * of everything.
 */
export function parametersOf({ filters = [], list }: Report, models: ReadonlyMap<string, ReadModel>): ReportParameters {
  const values = Object.fromEntries(filters.flatMap((filter) => typesOf(filter, models)))
  const sorts = list?.sorts.map(({ id }) => id) ?? []
  const sort = z.enum(sorts, `is one of ${sorts.join(', ')}`).default(sorts[0] ?? '')
  const listing = { ...values, q: query, sort }
  return {
    report: z.strictObject(values).refine(inOrder, later),
    list: z
      .strictObject({ ...listing, page })
      .refine(inOrder, later)
      .transform(({ page, q, sort, ...values }) => ({ page, q, sort, values })),
    csv: z
      .strictObject(listing)
      .refine(inOrder, later)
      .transform(({ q, sort, ...values }) => ({ q, sort, values })),
  }
}

/** A filter's parameters and what they may be. */
function typesOf(filter: Filter, models: ReadonlyMap<string, ReadModel>): [string, z.ZodOptional<z.ZodType<string>>][] {
  if (filter.kind === 'time') return PERIOD.map((name) => [name, date.optional()])
  if (filter.kind === 'check') return [[filter.name, z.literal('yes', 'is “yes” or left out').optional()]]
  const kinds = Object.entries(filter.fields).map(([readModel, at]) =>
    fieldAt(models.get(readModel)!, typeof at === 'string' ? at : at.field),
  )
  return [[filter.name, valueType(kinds[0]?.kind).optional()]]
}

/** What is compared with a field of a kind: Elasticsearch refuses a search for a word among numbers. */
function valueType(kind: Kind | undefined): z.ZodType<string> {
  if (kind === 'boolean') return z.enum(['true', 'false'], 'is “true” or “false”')
  if (!isNumeric(kind)) return text
  if (kind === 'double') return text.regex(/^-?\d{1,300}(\.\d{1,80})?$/, 'is not a number')
  return z.string().regex(/^-?\d{1,18}$/, 'is not a whole number of at most 18 digits')
}

/**
 * The parameters of a request's address, checked. Throws `BadParameter`: the first of what is wrong.
 * @param address path and query as sent; the server's own parser would let broken UTF-8 and repetitions through
 */
export function readParameters<T extends z.ZodType>(type: T, address: string): z.output<T> {
  const at = address.indexOf('?')
  const sent = new Map<string, string>()
  for (const pair of at < 0 ? [] : address.slice(at + 1).split('&')) {
    if (pair === '') continue
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair)!
    const key = decoded(name, 'a parameter’s name')
    if (sent.has(key)) throw new BadParameter(shown(key), 'is given twice')
    sent.set(key, decoded(value, shown(key)))
  }
  // What a form leaves empty isn't asked for. Not a plain object of what was sent: `__proto__` is a name like any other.
  const parsed = type.safeParse(Object.fromEntries([...sent].filter(([, value]) => value !== '')))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys') throw new BadParameter(shown(issue.keys[0]!), 'there is no such parameter')
  const name = String(issue?.path[0] ?? 'query')
  throw new BadParameter(name, sent.get(name) ? issue!.message : 'is missing')
}

function decoded(text: string, name: string): string {
  let value: string
  try {
    value = decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new BadParameter(name, 'is not percent-encoded UTF-8')
  }
  if (value.includes('\0')) throw new BadParameter(name, 'contains the character U+0000')
  return value
}

/** A name as somebody sent it, short enough for an answer. */
const shown = (name: string) => (name.length > 40 ? `${name.slice(0, 40).toWellFormed()}…` : name)
