import { isDeepStrictEqual } from 'node:util'
import type { Document } from '#read-models/document'

/** A key on which the services and the index don't agree. */
export interface Difference {
  readonly key: string
  readonly kind: 'missing' | 'extra' | 'changed'
  /** What the services' rows say, where they say anything. */
  readonly expected?: Document
  /** What the index says, where it says anything. */
  readonly found?: Document
}

/** The difference between the two sides of a key, or undefined when there is none. */
export function difference(key: string, expected?: Document, found?: Document): Difference | undefined {
  if (expected && !found) return { key, kind: 'missing', expected }
  if (!expected && found) return { key, kind: 'extra', found }
  if (!expected || !found || same(expected, found)) return undefined
  return { key, kind: 'changed', expected, found }
}

/**
 * Whether two documents say the same: every field, whatever the order of fields; arrays in their order. Numbers beyond
 * the exact integers are never the same: both sides were rounded on the way here.
 */
export function same(a: Document, b: Document): boolean {
  return isDeepStrictEqual(a, b) && isExact(a)
}

function isExact(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER
  return !isObject(value) || Object.values(value).every(isExact)
}

/** How many documents there are, and the sums that their read model's verification names. */
export interface Totals {
  documents: number
  /** Exact, however many documents there are. */
  readonly sums: Record<string, bigint>
}

export function noTotals(): Totals {
  return { documents: 0, sums: {} }
}

/** Adds a document to totals. @param fields whole numbers at its top that add up to something */
export function addTo(totals: Totals, document: Document, fields: readonly string[] = []): void {
  totals.documents++
  for (const field of fields) {
    const value = document[field]
    if (typeof value !== 'number') continue
    totals.sums[field] = (totals.sums[field] ?? 0n) + BigInt(Math.trunc(value))
  }
}

/** The fields in which two sides differ, by path: `lines[0].amount`. */
export function differingFields(expected: unknown, found: unknown, path = ''): string[] {
  if (isDeepStrictEqual(expected, found) && isExact(expected)) return []
  if (!isObject(expected) || !isObject(found)) return [path || '(the document)']
  const names = new Set([...Object.keys(expected), ...Object.keys(found)])
  return [...names].flatMap((name) => {
    const at = Array.isArray(expected) ? `${path}[${name}]` : path ? `${path}.${name}` : name
    return differingFields(expected[name], found[name], at)
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
