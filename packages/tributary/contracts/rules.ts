import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { project } from '#runtime/project'
import type { Contract } from './contract.ts'
import { isDay, type ListRule, parseRules, patternOf, type Rule, type Rules, type TextRule } from './rules-file.ts'

export type { DayRule, InstantRule, IntegerRule, ListRule, Rule, TextRule } from './rules-file.ts'

/** By the project's folder, so that each has its own. */
const read = new Map<string, Rules & { readonly checks: ReadonlyMap<Kind, Check> }>()

/** The rules of the project that is worked for, read when they are first asked for. */
function rules() {
  const folder = project()
  const known = read.get(folder)
  if (known) return known
  const stated = parseRules(readFileSync(join(folder, 'schemas', 'rules.json'), 'utf8'))
  const checks = Object.entries(stated.kinds).map(([kind, rule]) => [kind, checkOf(rule)] as const)
  const found = { ...stated, checks: new Map(checks) }
  read.set(folder, found)
  return found
}

/** A kind of value, by its name in rules.json. */
export type Kind = string

/** Throws where there is no such kind. */
export function ruleOf(kind: Kind): Rule {
  const rule = rules().kinds[kind]
  if (!rule) throw new Error(`schemas/rules.json has no kind "${kind}"`)
  return rule
}

/** The kind of a field of an event, which its name says in all of them; undefined where there is none. */
export const kindOf = (field: string): Kind | undefined => rules().fields[field]

/** The rules of lists that are stored in tables of a service. */
export const storedLists = (service: string): readonly ListRule[] =>
  Object.values(rules().lists).filter(({ rows }) => rows?.service === service)

/** What a list of this name must be. */
export const listRuleOf = (field: string): ListRule | undefined => rules().lists[field]

/** What is wrong with a value of a kind (an instant in ms), in words that go on from its name; undefined: nothing. */
export function faultOf(kind: Kind, value: unknown): string | undefined {
  return checkFor(kind)(value)
}

type Check = (value: unknown) => string | undefined

function checkOf(rule: Rule): Check {
  if (rule.type === 'text') {
    const pattern = rule.pattern === undefined ? undefined : patternOf(rule.pattern)
    return (value) => (typeof value === 'string' ? textFault(rule, pattern, value) : 'must be a text')
  }
  if (rule.type === 'day') {
    const { from, to, because } = rule
    return (value) => {
      if (typeof value !== 'string' || !isDay(value)) return 'must be a day of the calendar like 2018-08-07'
      return value < from || value > to ? `must be between ${from} and ${to}: ${because}` : undefined
    }
  }
  const [min, max] = rule.type === 'integer' ? [rule.min, rule.max] : [Date.parse(rule.from), Date.parse(rule.to)]
  const span =
    rule.type === 'integer' ? `must be between ${min} and ${max}` : `must be between ${rule.from} and ${rule.to}`
  return (value) => {
    if (!Number.isInteger(value)) return 'must be a whole number'
    return (value as number) < min || (value as number) > max ? `${span}: ${rule.because}` : undefined
  }
}

/** C0 and C1, and Unicode's own line and paragraph separators. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

function textFault(rule: TextRule, pattern: RegExp | undefined, text: string): string | undefined {
  // No character has more than three bytes for each of its UTF-16 units: most texts needn't be counted.
  const bytes = text.length * 3 <= rule.maxBytes ? text.length : Buffer.byteLength(text)
  const { because } = rule
  if (text.length < (rule.minBytes ?? 0)) return 'must not be empty'
  if (bytes > rule.maxBytes) return `has ${bytes} bytes, at most ${rule.maxBytes} are possible: ${because}`
  if (!text.isWellFormed()) return 'has half a surrogate pair: a text must be well-formed Unicode'
  if (text.includes('\0')) return 'has a NUL, which no database can hold'
  if (rule.ascii && !/^[\x20-\x7e]*$/.test(text)) return `must be visible ASCII: ${because}`
  if (rule.oneLine && CONTROL.test(text)) return 'has a control character or a line break: it must be one line'
  if (rule.trimmed && text !== text.trim()) return `has white space at an end, which gets lost on the way: ${because}`
  for (const part of rule.without ?? []) if (text.includes(part)) return `must not have a "${part}": ${because}`
  if (rule.never?.includes(text)) return `must not be "${text}": browsers take that for a step in the path`
  if (pattern && !pattern.test(text)) return `must match ${rule.pattern}: ${because}`
  return undefined
}

function checkFor(kind: Kind): Check {
  const check = rules().checks.get(kind)
  if (!check) throw new Error(`schemas/rules.json has no kind "${kind}"`)
  return check
}

/** What is wrong with a list's length. To be judged before anything is done for each item: so long may a list be. */
export function lengthFault(field: string, length: number): string | undefined {
  const rule = listRuleOf(field)
  if (rule === undefined || length <= rule.most) return undefined
  return `has ${length}, at most ${rule.most} are possible: ${rule.because}`
}

/** What is wrong with a list's items together. */
export function listFault(field: string, items: readonly unknown[]): string | undefined {
  const tooLong = lengthFault(field, items.length)
  const { sum: rule, because } = listRuleOf(field) ?? {}
  if (tooLong !== undefined || rule === undefined) return tooLong
  let sum = 0
  for (const item of items) {
    for (const part of rule.of) sum += (item as Readonly<Record<string, number>>)[part] ?? 0
  }
  if (sum <= rule.max) return undefined
  return `has ${rule.of.join(' and ')} of ${sum} together, at most ${rule.max} are possible: ${because}`
}

/** What is wrong with an event, each fault with the path of its field. Compiled once for each contract. */
export function eventFaults(contract: Contract<unknown>): (event: unknown) => readonly string[] {
  const known = compiled.get(contract)
  if (known) return known
  const check = recordCheck(contract.schema as unknown as RecordSchema, '')
  const faultsOf = (event: unknown) => {
    const faults: string[] = []
    check(event as Fields, faults)
    return faults
  }
  compiled.set(contract, faultsOf)
  return faultsOf
}

const compiled = new WeakMap<Contract<unknown>, (event: unknown) => readonly string[]>()

type Fields = Readonly<Record<string, unknown>>
interface RecordSchema {
  readonly fields: readonly { readonly name: string; readonly type: unknown }[]
}
type Judge = (value: unknown, faults: string[]) => void

function recordCheck(schema: RecordSchema, prefix: string): (record: Fields, faults: string[]) => void {
  const parts = schema.fields.map(({ name, type }) => [name, judgeOf(name, type, `${prefix}${name}`)] as const)
  return (record, faults) => {
    for (const [name, judge] of parts) if (record[name] !== null) judge?.(record[name], faults)
  }
}

/** What judges a field's values; undefined where nothing is to be judged. */
function judgeOf(name: string, type: unknown, path: string): Judge | undefined {
  const present = Array.isArray(type) ? type.find((each) => each !== 'null') : type
  const { fields, items } = present as { fields?: RecordSchema['fields']; items?: unknown }
  if (fields) return recordCheck({ fields }, `${path}.`) as Judge
  if (items !== undefined) return listJudge(name, judgeOf(name, items, `${path}[]`), path)
  const kind = kindOf(name)
  if (kind === undefined) return undefined
  const check = checkFor(kind)
  return (value, faults) => {
    const fault = check(value)
    if (fault) faults.push(`${path} ${fault}`)
  }
}

function listJudge(name: string, each: Judge | undefined, path: string): Judge {
  return (value, faults) => {
    const list = value as readonly unknown[]
    if (each && lengthFault(name, list.length) === undefined) for (const item of list) each(item, faults)
    const fault = listFault(name, list)
    if (fault) faults.push(`${path} ${fault}`)
  }
}
