import fc from 'fast-check'
import { type DayRule, faultOf, kindOf, listRuleOf, type Rule, ruleOf } from '#contracts/rules'
import { patternOf } from '#contracts/rules-file'
import { type Field, fieldsOf, type Shape } from '#read-models/avro'

/**
 * Values that fit an event's schema and the rules of schemas/rules.json. Texts are drawn from a small pool for each kind of
 * value, which a whole history shares: ids meet, whatever their fields are called.
 */

/** A pool's texts by kind; '' is the kind of the fields that rules.json says nothing of. */
export type Pools = Readonly<Record<string, readonly string[]>>
/** A value whose texts aren't chosen yet, so that they and all else are shrunk apart. */
export type Draft = (pools: Pools) => unknown
/** Values that a field has instead of those that its schema allows, by its name. */
export type Chosen = Readonly<Record<string, readonly unknown[]>>

const POOL = 3

const PLAIN = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', '1', '2', '3']
/** What one side or the other may take for equal, or put in another order. */
const ODD = [
  ...['A', 'B', 'a ', ' a', 'á', 'a\u0301', 'ﬁ', 'fi', 'ß', 'ss', 'İ', 'i\u0307', '10', '9', '010', '1e3', '-', '_'],
  ...['！x', '😀x', '\uFFFD', '\u{10FFFF}', 'ي', 'שלום', '가', '__proto__', 'constructor', 'toString', 'null', 'true'],
  ...['a/b', 'a%2Fb', "'", '"', '\\', '\t', '\u2028', '\uFEFFa', 'a\u200Bb', '|', 'a|b', '%7C', '1-2', '', ' '],
]

/** The pools of some kinds: plain texts, or odd ones. */
export function poolsOf(kinds: readonly string[]): fc.Arbitrary<Pools> {
  return fc.record(Object.fromEntries(kinds.map((kind) => [kind, poolOf(kind)])))
}

function poolOf(kind: string): fc.Arbitrary<readonly string[]> {
  const rule = kind === '' ? undefined : ruleOf(kind)
  if (rule?.type === 'day') return daysOf(rule)
  if (rule?.type === 'text' && rule.pattern !== undefined) return matching(kind, rule.pattern)
  const allowed = (texts: readonly string[]) =>
    kind === '' ? texts : texts.filter((text) => faultOf(kind, text) === undefined)
  const least = (rule as { minBytes?: number } | undefined)?.minBytes || 1
  const plain = allowed(PLAIN.map((letter) => letter.repeat(least))).slice(0, POOL)
  if (plain.length < POOL) throw new Error(`no texts are known that the rule "${kind}" of schemas/rules.json allows`)
  const odd = allowed(ODD)
  if (odd.length < POOL) return fc.constant(plain)
  const some = fc.uniqueArray(fc.constantFrom(...odd), { minLength: POOL, maxLength: POOL })
  return fc.oneof({ withCrossShrink: true }, fc.constant(plain), some)
}

/** A few around the end of a February, and any that is allowed. */
function daysOf({ from, to }: DayRule): fc.Arbitrary<readonly string[]> {
  const [min, max] = [Date.parse(from), Date.parse(to)]
  const day = (at: number) => new Date(Math.max(min, Math.min(max, at))).toISOString().slice(0, 10)
  const near = Array.from({ length: POOL }, (_, days) => day(START + days * DAY_MS))
  const any = fc.integer({ min, max }).map(day)
  return fc.oneof({ withCrossShrink: true }, fc.constant(near), fc.array(any, { minLength: POOL, maxLength: POOL }))
}

/** Texts of a pattern that the kind allows, some of them twice where it has few. */
function matching(kind: string, pattern: string): fc.Arbitrary<readonly string[]> {
  const texts = fc.stringMatching(patternOf(pattern)).filter((text) => faultOf(kind, text) === undefined)
  return fc.array(texts, { minLength: POOL, maxLength: POOL })
}

/** The kinds of text that a schema's fields have. */
export function kindsIn(schema: unknown, chosen: Chosen): string[] {
  const ofShape = (name: string, shape: Shape): string[] => {
    if (shape.kind === 'string') return [kindOf(name) ?? '']
    if (shape.kind === 'array') return ofShape(name, shape.of)
    return shape.kind === 'record' ? shape.fields.flatMap(ofField) : []
  }
  const ofField = ({ name, shape }: Field): string[] => (Object.hasOwn(chosen, name) ? [] : ofShape(name, shape))
  return fieldsOf(schema).flatMap(ofField)
}

/** A record's data. Throws `TypeError` on Avro types that have no place in a document either (maps, enums, bytes). */
export function draftsOf(schema: unknown, chosen: Chosen): fc.Arbitrary<Draft> {
  return recordOf(fieldsOf(schema), chosen)
}

function recordOf(fields: readonly Field[], chosen: Chosen): fc.Arbitrary<Draft> {
  const parts = fc.record(Object.fromEntries(fields.map((field) => [field.name, fieldOf(field, chosen)])))
  return parts.map(
    (drafts) => (pools) => Object.fromEntries(Object.entries(drafts).map(([name, draft]) => [name, draft(pools)])),
  )
}

function fieldOf({ name, shape, nullable }: Field, chosen: Chosen): fc.Arbitrary<Draft> {
  const given = Object.hasOwn(chosen, name) ? chosen[name] : undefined
  if (given) return fc.constantFrom(...given).map((value) => () => value)
  const value = shapeOf(name, shape, chosen)
  return nullable ? fc.option(value, { nil: () => null }) : value
}

function shapeOf(name: string, shape: Shape, chosen: Chosen): fc.Arbitrary<Draft> {
  const kind = kindOf(name)
  const known = <T>(values: fc.Arbitrary<T>) =>
    values.map(
      (value): Draft =>
        () =>
          value,
    )
  switch (shape.kind) {
    case 'string':
      return fc.nat(POOL - 1).map((nth) => (pools) => pools[kind ?? '']![nth])
    case 'boolean':
      return known(fc.boolean())
    case 'int':
    case 'long':
      return known(integer(kind === undefined ? undefined : ruleOf(kind)))
    case 'double':
      // Whatever they are added up in: these sums are exact.
      return known(fc.integer({ min: -8, max: 8 }).map((quarters) => quarters / 4))
    case 'instant':
      return known(instant(kind === undefined ? undefined : ruleOf(kind)))
    case 'record':
      return recordOf(shape.fields, chosen)
    case 'array': {
      const maxLength = Math.min(3, listRuleOf(name)?.most ?? 3)
      const items = fc.array(shapeOf(name, shape.of, chosen), { maxLength })
      return items.map((drafts) => (pools) => drafts.map((draft) => draft(pools)))
    }
  }
}

/** Few mostly, so that they are equal now and then; and any that are allowed. */
function integer(rule: Rule | undefined): fc.Arbitrary<number> {
  const [min, max] = rule?.type === 'integer' ? [rule.min, rule.max] : [-(2 ** 31), 2 ** 31 - 1]
  const within = (value: number) => Math.max(min, Math.min(max, value))
  const any = fc.integer({ min, max })
  return fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: within(0), max: within(4) }) },
    { weight: 1, arbitrary: any },
  )
}

const DAY_MS = 86_400_000
const START = Date.UTC(2020, 1, 27)

/** A few days around the end of a February, their last and first moments, and any that is allowed. */
function instant(rule: Rule | undefined): fc.Arbitrary<number> {
  const [from, to] =
    rule?.type === 'instant' ? [rule.from, rule.to] : ['1970-01-01T00:00:00Z', '2199-12-31T23:59:59.999Z']
  const [min, max] = [Date.parse(from), Date.parse(to)]
  const within = (value: number) => Math.max(min, Math.min(max, value))
  const day = fc.nat(4).map((days) => within(START + days * DAY_MS))
  return fc.oneof(
    { weight: 5, arbitrary: day },
    { weight: 2, arbitrary: fc.tuple(day, fc.constantFrom(-1, 1, 999)).map(([at, more]) => within(at + more)) },
    { weight: 1, arbitrary: fc.constantFrom(min, max) },
    { weight: 1, arbitrary: fc.integer({ min, max }) },
  )
}
