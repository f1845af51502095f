import { z } from 'zod'
import type { Id } from '#contracts/key'
import { faultOf, type Kind, lengthFault, listFault, listRuleOf, type Rule, ruleOf } from '#contracts/rules'

/** The rules of schemas/rules.json as zod types: what a request's values must be. */

const orMissing = (what: string) => ({
  error: ({ input }: { input?: unknown }) => (input === undefined ? 'is missing' : what),
})
/** What a text or a number is the id of, where it is one: only the compiler knows, and takes it for nothing else. */
export interface IdOf<Of extends string> {
  readonly of: Of
}

/** A text, or a calendar day, by its rule in schemas/rules.json: `text('name')`, `text('day')`, `text('id', { of: 'member' })`. */
export function text(kind: Kind): z.ZodString
export function text<Of extends string>(kind: Kind, id: IdOf<Of>): z.ZodType<Id<Of>, string>
export function text(kind: Kind): z.ZodType {
  return judged(z.string(orMissing('must be a text')), kind)
}

/** A whole number by its rule in schemas/rules.json: `integer('cents')`, `integer('number', { of: 'boat' })`. */
export function integer(kind: Kind): z.ZodNumber
export function integer<Of extends string>(kind: Kind, id: IdOf<Of>): z.ZodType<Id<Of, number>, number>
export function integer(kind: Kind): z.ZodType {
  return judged(z.number(orMissing('must be a whole number')), kind)
}

/**
 * The same in a path, where a number is its digits: `params: z.object({ boatNo: integerInPath('number', { of: 'boat' }) })`.
 * The route is given the number. Other ways to write it (`07`, `+7`, `7.0`, `7e0`) are refused: a thing has one address.
 */
export function integerInPath(kind: Kind): z.ZodType<number, string>
export function integerInPath<Of extends string>(kind: Kind, id: IdOf<Of>): z.ZodType<Id<Of, number>, string>
export function integerInPath(kind: Kind): z.ZodType {
  return z
    .string()
    .regex(/^(0|-?[1-9]\d*)$/, 'must be a whole number, in digits')
    .transform(Number)
    .pipe(integer(kind))
}

/** RFC 3339, e.g. `2018-08-07T10:00:00Z`; a day that isn't one (30 February) is refused. */
export const instant = z.iso
  .datetime({ offset: true, ...orMissing('must be a time of RFC 3339 like 2018-08-07T10:00:00Z') })
  .check(({ value, issues }) => {
    // What isn't a time has been said already.
    const fault = issues.length > 0 ? undefined : faultOf('instant', Date.parse(value))
    if (fault) issues.push({ code: 'custom', input: value, message: fault })
  })
  .meta(describe(ruleOf('instant')))

/**
 * A list by its rule. Its length is judged first, and the items of one that is too long are not looked at: what a
 * request costs doesn't grow with what it sends.
 * @param field its name in rules.json
 */
export function list<Item extends z.ZodType>(field: string, item: Item) {
  const items = z
    .array(item, orMissing('must be a list'))
    .meta({ maxItems: listRuleOf(field)?.most })
    .check(({ value, issues }) => {
      const message = listFault(field, value)
      if (message) issues.push({ code: 'custom', input: value, message })
    })
  return z.preprocess((value, { addIssue }) => {
    const message = Array.isArray(value) ? lengthFault(field, value.length) : undefined
    if (message) addIssue({ code: 'custom', message })
    return value
  }, items)
}

/** Milliseconds of an RFC 3339 instant. */
export const ms = (text: string): number => Date.parse(text)
/** The same, where the time may be unknown. */
export const msOrNull = (text: string | null): number | null => (text === null ? null : ms(text))

function judged<T extends z.ZodType>(type: T, kind: Kind): T {
  return type
    .check(({ value, issues }) => {
      const message = faultOf(kind, value)
      if (message) issues.push({ code: 'custom', input: value, message })
    })
    .meta(describe(ruleOf(kind))) as T
}

/** What OpenAPI can say of a rule; a text's characters are at most as many as its bytes. */
function describe(rule: Rule): Record<string, unknown> {
  if (rule.type === 'integer') {
    return { type: 'integer', minimum: rule.min, maximum: rule.max, description: rule.because }
  }
  if (rule.type === 'instant') return { format: 'date-time', description: `${rule.from} to ${rule.to}` }
  if (rule.type === 'day') return { format: 'date', description: `${rule.from} to ${rule.to}: ${rule.because}` }
  const { minBytes, maxBytes, oneLine, trimmed, without = [], never = [], pattern, because } = rule
  const says = [
    `at most ${maxBytes} bytes of UTF-8`,
    oneLine && 'one line',
    trimmed && 'no white space at its ends',
    ...without.map((part) => `no "${part}"`),
    ...never.map((whole) => `not "${whole}"`),
  ]
  return {
    ...(minBytes && { minLength: minBytes }),
    maxLength: maxBytes,
    ...(pattern && { pattern: `^(?:${pattern})$` }),
    'x-maxBytes': maxBytes,
    description: `${says.filter(Boolean).join(', ')}: ${because}`,
  }
}
