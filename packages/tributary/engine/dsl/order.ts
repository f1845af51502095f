import { EngineError } from '../errors.ts'

/** What rows are sorted by: a number, a text (by code point), or several of them, first one first. */
export type SortKey = number | string | readonly (number | string)[]

/** Where the order of UTF-16 units and of code points differ: surrogates stand for what comes after all others. */
const FIRST_SURROGATE = 0xd800
const AFTER_SURROGATES = 0xe000

/**
 * Orders texts by code point, which is the order of their UTF-8 bytes: that of Postgres' collation "C", of Kafka and
 * of Elasticsearch. JavaScript's own `<` goes by UTF-16 units and puts an emoji before a full-width letter.
 */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

function rank(unit: number): number {
  if (unit < FIRST_SURROGATE) return unit
  return unit < AFTER_SURROGATES ? unit + 0x10000 : unit
}

/**
 * Orders sort keys: numbers by size, texts by code point, numbers before texts, lists by their first difference.
 * Throws for anything else: its order would depend on who was compared with whom.
 */
export function compare(a: SortKey, b: SortKey): number {
  if (Array.isArray(a) || Array.isArray(b)) {
    const left: readonly unknown[] = Array.isArray(a) ? a : [a]
    const right: readonly unknown[] = Array.isArray(b) ? b : [b]
    for (let i = 0; i < Math.min(left.length, right.length); i++) {
      const order = compareScalars(left[i], right[i])
      if (order !== 0) return order
    }
    return left.length - right.length
  }
  return compareScalars(a, b)
}

function compareScalars(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') {
    if (a < b) return -1
    if (a > b) return 1
    if (a === b) return 0
  } else if (typeof a === 'string') {
    if (typeof b === 'string') return compareTexts(a, b)
    if (typeof b === 'number' && !Number.isNaN(b)) return 1
  } else if (typeof a === 'number' && !Number.isNaN(a) && typeof b === 'string') {
    return -1
  }
  throw new EngineError('NOT_PLAIN_DATA', `rows are ordered by numbers and texts, not by ${String(a)} and ${String(b)}`)
}
