import { z } from 'zod'
import { Problem } from '#runtime/http/problem'
import { SORTS, type Sort, wordsOf } from './orders.ts'
import type { Filters } from './report.ts'

/** Orders a page of the list shows. */
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

const filters = {
  from: date.optional(),
  to: date.optional(),
  day: date.optional(),
  state: text.optional(),
  category: text.optional(),
  status: text.optional(),
  differs: z.literal('yes', 'is “yes” or left out').optional(),
}
const search = {
  ...filters,
  q: text
    .refine(
      (value) => wordsOf(value).length <= MOST_WORDS,
      `has more than ${MOST_WORDS} words: leave the least telling ones out`,
    )
    .default(''),
  sort: z.enum(Object.keys(SORTS) as Sort[], `is one of ${Object.keys(SORTS).join(', ')}`).default('newest'),
}
const page = z
  .string()
  .regex(/^\d{1,9}$/, 'is not a page’s number: 0, 1, 2 …')
  .transform(Number)
  .refine(
    (value) => (value + 1) * PAGE <= DEEPEST,
    `the list shows its first ${DEEPEST} orders only (pages 0 to ${DEEPEST / PAGE - 1}): narrow it by a filter or a word, order it the other way round, or take all of it as CSV`,
  )
const inOrder = (value: Filters) => !value.from || !value.to || value.from <= value.to
const later = { path: ['to'], message: 'lies before “from”' }

/** What the routes take. Unknown parameters are faults: a misspelt filter would give the figures of everything. */
export const parameters = {
  none: z.strictObject({}),
  report: z.strictObject(filters).refine(inOrder, later),
  list: z.strictObject({ ...search, page: page.default(0) }).refine(inOrder, later),
  csv: z.strictObject(search).refine(inOrder, later),
  order: z.strictObject({ id: z.string().max(1_000, 'has more than 1,000 characters') }),
} as const

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
