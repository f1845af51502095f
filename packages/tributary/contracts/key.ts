/**
 * Keys of several values. A record's key is a text, so a key that is a record of values has one canonical text: the JSON
 * object of its values with sorted names. Two different records never have the same text, and the same record has the
 * same one everywhere, in whatever order its fields were named.
 */

/** What a part of a key may be. Numbers are finite. */
export type KeyValue = string | number | boolean | null

/** A key of several named values. (It names itself so that interfaces fit, too, which have no index signature.) */
export type KeyParts<Parts> = object & { readonly [Name in keyof Parts]: KeyValue }

/** The text of a key of these parts; to the compiler, keys of other parts are of another type. */
export type RecordKey<Parts> = string & { readonly keyOf: Parts }

/**
 * A key's text: `{"day":"2018-08-07","state":"SP"}`.
 * Throws a TypeError, naming the part, for what isn't a text, a finite number, a boolean or null.
 */
export function recordKey<Parts extends KeyParts<Parts>>(parts: Parts): RecordKey<Parts> {
  return JSON.stringify(orderedParts(parts)) as RecordKey<Parts>
}

/** The parts in the order in which `recordKey` writes them; throws as it does. */
export function orderedParts(parts: object): Readonly<Record<string, KeyValue>> {
  if (Object.prototype.toString.call(parts) !== '[object Object]') {
    throw new TypeError(`a key is a text or a record of values, not ${kindOf(parts)}`)
  }
  const values = parts as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.keys(values)
      .sort()
      .map((name) => [name, checked(name, values[name])]),
  )
}

function checked(name: string, value: unknown): KeyValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new TypeError(
    `part "${name}" of a key is ${kindOf(value)}: it may be a text, a finite number, a boolean or null`,
  )
}

function kindOf(value: unknown): string {
  if (typeof value === 'number' || value === null || value === undefined) return String(value)
  return typeof value === 'object' ? Object.prototype.toString.call(value) : `a ${typeof value}`
}
