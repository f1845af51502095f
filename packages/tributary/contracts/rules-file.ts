import { z } from 'zod'

/**
 * What schemas/rules.json says, and what it may say. docs/reference/rules.md tells it to people; the two stay together.
 */

const because = z.string()
const day = z.string().refine((text) => isDay(text), 'must be a day like 2018-08-07')
const moment = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a moment like 2018-08-07T10:00:00Z')
const length = z.int().min(0)

/** Lengths are bytes of UTF-8: every later hop counts those. */
const textRule = z.strictObject({
  type: z.literal('text'),
  minBytes: length.optional(),
  maxBytes: length,
  /** No control characters and no line breaks. */
  oneLine: z.boolean().optional(),
  /** No white space at its ends. */
  trimmed: z.boolean().optional(),
  /** Visible ASCII and spaces between only. */
  ascii: z.boolean().optional(),
  /** Characters that it can't have. */
  without: z.array(z.string().min(1)).optional(),
  /** What it can't be as a whole. */
  never: z.array(z.string()).optional(),
  /** A regular expression (ECMA-262, with `u`) for all of it. */
  pattern: z.string().refine(isPattern, 'is no regular expression').optional(),
  because,
})
const integerRule = z.strictObject({
  type: z.literal('integer'),
  min: z.int(),
  max: z.int(),
  because,
})
/** In ms since 1970; both ends belong to it. */
const instantRule = z.strictObject({
  type: z.literal('instant'),
  from: moment,
  to: moment,
  because,
})
/** A calendar day, a text like `2018-08-07`; both ends belong to it. */
const dayRule = z.strictObject({ type: z.literal('day'), from: day, to: day, because })

const rule = z.discriminatedUnion('type', [textRule, integerRule, instantRule, dayRule])

const listRule = z.strictObject({
  most: length,
  /** Where a list is stored: a table of a service, a row for each item; `of` is whose list it is, `each` the item's own column. */
  rows: z.strictObject({ service: z.string(), table: z.string(), of: z.string(), each: z.string() }).optional(),
  sum: z.strictObject({ of: z.array(z.string()).min(1), max: z.int() }).optional(),
  because,
})

/** The file, for whoever describes it. */
export const rulesFile = z
  .strictObject({
    about: z.string().optional(),
    kinds: z.record(z.string(), rule),
    fields: z.record(z.string(), z.string()).default({}),
    ids: z.record(z.string(), z.string()).default({}),
    lists: z.record(z.string(), listRule).default({}),
  })
  .check(({ value: { kinds, fields }, issues }) => {
    for (const [field, kind] of Object.entries(fields)) {
      if (Object.hasOwn(kinds, kind)) continue
      const message = `there is no kind "${kind}": write one, or take one of ${Object.keys(kinds).join(', ')}`
      issues.push({ code: 'custom', path: ['fields', field], input: kind, message })
    }
  })

export type TextRule = z.output<typeof textRule>
export type IntegerRule = z.output<typeof integerRule>
export type InstantRule = z.output<typeof instantRule>
export type DayRule = z.output<typeof dayRule>
export type Rule = z.output<typeof rule>
export type ListRule = z.output<typeof listRule>
/** The project's rules. */
export type Rules = z.output<typeof rulesFile>

/** Reads the text of schemas/rules.json. Throws with all of its faults, each with its place. */
export function parseRules(text: string): Rules {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new Error(`schemas/rules.json is no JSON: ${(error as Error).message}`)
  }
  const parsed = rulesFile.safeParse(json)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new Error(`schemas/rules.json: ${faults.join('; ')}`)
}

/** Whether a text is a day of the calendar, `2018-08-07`: 30 February isn't. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const midnight = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(text)
}

/** All of a text by a pattern of the file. */
export const patternOf = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`, 'u')

function isPattern(text: string): boolean {
  try {
    return patternOf(text) instanceof RegExp
  } catch {
    return false
  }
}
