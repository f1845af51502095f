import { EngineError } from '../errors.ts'
import { MOST_KEY_CHARACTERS } from './keys.ts'

/**
 * What may stand in state, in a message and in a topic: plain JSON data that fits a record. An author's function can
 * return anything; what isn't so is refused where it is made, for that one row.
 */

/** Most bytes of a row's JSON text: a broker takes 1 MiB by default, keys and framing of the record included. */
export const MOST_ROW_BYTES = 900_000

/** Deeper than any row; data that contains itself is deeper than everything. */
const MOST_DEPTH = 64

/**
 * Throws `NOT_PLAIN_DATA` unless the row comes back from JSON as it went in, `ROW_TOO_LARGE` if it fits no record.
 * Gives the row.
 */
export function checkRow<T>(row: T): T {
  // A UTF-16 unit has up to 3 bytes in UTF-8 and 6 as an escape.
  if (charactersOf(row, '', 0) * 6 <= MOST_ROW_BYTES) return row
  const bytes = Buffer.byteLength(JSON.stringify(row))
  if (bytes <= MOST_ROW_BYTES) return row
  throw new EngineError('ROW_TOO_LARGE', `a row of ${bytes} bytes is over the limit of ${MOST_ROW_BYTES} bytes`)
}

/** Throws `NOT_PLAIN_DATA` for what can't be a row, by its outside only. Gives the row. */
export function checkOutside<T>(row: T): T {
  if (typeof row === 'object' && row !== null ? !isPlain(row) : !isScalar(row) && row !== undefined) {
    throw notPlain(row, '')
  }
  return row
}

/** Throws unless an author's function gave a text that can be a key. Gives the key. `what` names the function. */
export function checkKey(key: unknown, what: string): string {
  if (typeof key !== 'string') throw new EngineError('NOT_PLAIN_DATA', `${what} gave ${nameOf(key)}, not a text`)
  if (key.length <= MOST_KEY_CHARACTERS) return key
  throw new EngineError(
    'ROW_TOO_LARGE',
    `${what} gave a text of ${key.length} characters: a key may have ${MOST_KEY_CHARACTERS}`,
  )
}

/** What an author's function threw, as a text; whatever it threw. */
export function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error)
  } catch {
    return 'something that has no text'
  }
}

/** An upper bound of the characters of the JSON text, escapes not counted. */
function charactersOf(value: unknown, path: string, depth: number): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value !== 'object' || value === null) {
    if (isScalar(value)) return 24
    throw notPlain(value, path)
  }
  if (depth > MOST_DEPTH) throw new EngineError('NOT_PLAIN_DATA', 'a row contains itself, or is nested too deep')
  let characters = 2
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) characters += charactersOf(value[i], path, depth + 1) + 1
    return characters
  }
  if (!isPlain(value)) throw notPlain(value, path)
  for (const name in value) {
    const part = (value as Record<string, unknown>)[name]
    // A field that is undefined is as good as missing.
    if (part !== undefined) characters += name.length + 4 + charactersOf(part, name, depth + 1)
  }
  return characters
}

function isScalar(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    default:
      return value === null
  }
}

/** Arrays, object literals, and records as Avro decodes them, which have a prototype of their own. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.prototype.toString.call(value) === '[object Object]' && !('toJSON' in value)
}

function notPlain(value: unknown, field: string): EngineError {
  const place = field === '' ? 'a row' : `field "${field}" of a row`
  return new EngineError('NOT_PLAIN_DATA', `${place} is ${nameOf(value)}, which isn't plain JSON data`)
}

function nameOf(value: unknown): string {
  if (typeof value === 'number' || value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  const maker: unknown = (value as { constructor?: unknown }).constructor
  return typeof maker === 'function' && maker.name ? `a ${maker.name}` : 'an object'
}
