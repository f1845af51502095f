import fc from 'fast-check'
import { type DayRule, faultOf, kindOf, listRuleOf, type Rule, ruleOf } from '#contracts/rules'
import { patternOf } from '#contracts/rules-file'
import { type Field, fieldsOf, type Shape } from '#read-models/avro'

/**
 * Values that fit an event's schema and the rules of schemas/rules.json. Texts and instants are drawn from a small pool for
 * each kind of value, which a whole history shares: ids meet, and times are equal, whatever their fields are called.
 */

/** What is drawn from, by kind; '' is the kind of the fields that rules.json says nothing of. */
export interface Pools {
  readonly texts: Readonly<Record<string, readonly string[]>>
  /** In ms. */
  readonly instants: Readonly<Record<string, readonly number[]>>
}
/** A value whose texts and instants aren't chosen yet, so that they and all else are shrunk apart. */
export type Draft = (pools: Pools) => unknown
/** Values that a field has instead of those that its schema allows, by its name. */
export type Chosen = Readonly<Record<string, readonly unknown[]>>

/** How many values a pool has at most: the fewer, the more meets. */
const POOL = 3

const PLAIN = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', '1', '2', '3']
/** What one side or the other may take for equal, or put in another order. */
const ODD = [
  ...['A', 'B', 'a ', ' a', 'á', 'a\u0301', 'ﬁ', 'fi', 'ß', 'ss', 'İ', 'i\u0307', '10', '9', '010', '1e3', '-', '_'],
  ...['！x', '😀x', '\uFFFD', '\u{10FFFF}', 'ي', 'שלום', '가', '__proto__', 'constructor', 'toString', 'null', 'true'],
  ...['a/b', 'a%2Fb', "'", '"', '\\', '\t', '\u2028', '\uFEFFa', 'a\u200Bb', '|', 'a|b', '%7C', '1-2', '', ' '],
]

/** The pools of the kinds that schemas' fields have: plain values, or odd ones. */
export function poolsOf(schemas: readonly unknown[], chosen: Chosen): fc.Arbitrary<Pools> {
  const kinds = { texts: new Set<string>(), instants: new Set<string>() }
  const ofShape = (name: string, shape: Shape): void => {
    if (shape.kind === 'string') kinds.texts.add(kindOf(name) ?? '')
    else if (shape.kind === 'instant') kinds.instants.add(kindOf(name) ?? '')
    else if (shape.kind === 'array') ofShape(name, shape.of)
    else if (shape.kind === 'record') shape.fields.forEach(ofField)
  }
  const ofField = ({ name, shape }: Field): void => {
    if (!Object.hasOwn(chosen, name)) ofShape(name, shape)
  }
  for (const schema of schemas) fieldsOf(schema).forEach(ofField)
  const each = <T>(kinds: ReadonlySet<string>, pool: (kind: string) => fc.Arbitrary<T>) =>
    fc.record(Object.fromEntries(Array.from(kinds, (kind) => [kind, pool(kind)])))
  return fc.record({ texts: each(kinds.texts, textsOf), instants: each(kinds.instants, instantsOf) })
}

function textsOf(kind: string): fc.Arbitrary<readonly string[]> {
  const rule = kind === '' ? undefined : ruleOf(kind)
  if (rule?.type === 'day') return daysOf(rule)
  if (rule?.type === 'text' && rule.pattern !== undefined) return matching(kind, rule.pattern)
  const allowed = (texts: readonly string[]) =>
    kind === '' ? texts : texts.filter((text) => faultOf(kind, text) === undefined)
  const least = (rule as { minBytes?: number } | undefined)?.minBytes || 1
  const plain = allowed(PLAIN.map((letter) => letter.repeat(least))).slice(0, POOL)
  if (plain.length < POOL) throw new Error(`no texts are known that the rule "${kind}" of schemas/rules.json allows`)
  const odd = allowed(ODD)
  const three = { minLength: POOL, maxLength: POOL }
  const all =
    odd.length < POOL
      ? fc.constant(plain)
      : fc.oneof({ withCrossShrink: true }, fc.constant(plain), fc.uniqueArray(fc.constantFrom(...odd), three))
  return fc.tuple(all, fc.integer({ min: 1, max: POOL })).map(([texts, size]) => texts.slice(0, size))
}

/** A few around the end of a February, and any that is allowed. */
function daysOf({ from, to }: DayRule): fc.Arbitrary<readonly string[]> {
  const [min, max] = [Date.parse(from), Date.parse(to)]
  const day = (at: number) => new Date(Math.max(min, Math.min(max, at))).toISOString().slice(0, 10)
  const near = Array.from({ length: POOL }, (_, days) => day(START + days * DAY_MS))
  const any = fc.integer({ min, max }).map(day)
  return fc.oneof({ withCrossShrink: true }, fc.constant(near), fc.array(any, { minLength: 1, maxLength: POOL }))
}

/** Texts of a pattern that the kind allows, some of them twice where it has few. */
function matching(kind: string, pattern: string): fc.Arbitrary<readonly string[]> {
  const texts = fc.stringMatching(patternOf(pattern)).filter((text) => faultOf(kind, text) === undefined)
  return fc.array(texts, { minLength: 1, maxLength: POOL })
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
      return nth.map((nth) => (pools) => from(pools.texts[kind ?? '']!, nth))
    case 'boolean':
      return known(fc.boolean())
    case 'int':
    case 'long':
      return known(integer(kind === undefined ? undefined : ruleOf(kind)))
    case 'double':
      // Whatever they are added up in: these sums are exact.
      return known(fc.integer({ min: -8, max: 8 }).map((quarters) => quarters / 4))
    case 'instant':
      return fc.tuple(nth, nudge).map(([nth, more]) => (pools) => {
        const [min, max] = rangeOf(kind ?? '')
        return Math.max(min, Math.min(max, from(pools.instants[kind ?? '']!, nth) + more))
      })
    case 'record':
      return recordOf(shape.fields, chosen)
    case 'array': {
      const maxLength = Math.min(3, listRuleOf(name)?.most ?? 3)
      const items = fc.array(shapeOf(name, shape.of, chosen), { maxLength })
      return items.map((drafts) => (pools) => drafts.map((draft) => draft(pools)))
    }
  }
}

/** A value's place in its pool, around and around. */
const nth = fc.nat(5)
const from = <T>(pool: readonly T[], nth: number): T => pool[nth % pool.length]!

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

/** Of an instant from the pool: mostly that one, else the next or the one before, in ms. */
const nudge = fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1) })

/** A few days around the end of a February, times within them, and any that is allowed. */
function instantsOf(kind: string): fc.Arbitrary<readonly number[]> {
  const [min, max] = rangeOf(kind)
  const within = (value: number) => Math.max(min, Math.min(max, value))
  const day = fc.nat(4).map((days) => START + days * DAY_MS)
  const one = fc.oneof(
    { weight: 5, arbitrary: day.map(within) },
    { weight: 2, arbitrary: fc.tuple(day, fc.constantFrom(-1, 1, 999)).map(([at, more]) => within(at + more)) },
    { weight: 1, arbitrary: fc.constantFrom(min, max) },
    { weight: 1, arbitrary: fc.integer({ min, max }) },
  )
  return fc.uniqueArray(one, { minLength: 1, maxLength: POOL })
}

/** The first and the last instant that a kind allows, in ms. */
function rangeOf(kind: string): readonly [number, number] {
  const rule = kind === '' ? undefined : ruleOf(kind)
  const [from, to] =
    rule?.type === 'instant' ? [rule.from, rule.to] : ['1970-01-01T00:00:00Z', '2199-12-31T23:59:59.999Z']
  return [Date.parse(from), Date.parse(to)]
}
