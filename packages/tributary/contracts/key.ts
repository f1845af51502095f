/**
 * Keys of several values. A record's key is a text, so a key that is a record of values has one canonical text: the JSON
 * object of its values with sorted names. Two different records never have the same text, and the same record has the
 * same one everywhere, in whatever order its fields were named.
 */

/**
 * A text or a number that names one thing of a kind: `Id<'customer'>`, `Id<'boat', number>`. Only the compiler knows of it: at
 * run time, on the wire and in state it is the plain value. Which fields are ids of what says `ids` in schemas/rules.json.
 */
export type Id<Of extends string, Value extends string | number = string> = Value & { readonly idOf: Of }

/**
 * A value as it comes from outside, from a request or a test: where `T` has an id it may be a plain text or number, but
 * not the id of something else.
 */
export type Plain<T> = T extends { readonly idOf: infer Of }
  ? T extends string
    ? string & { readonly idOf?: Of }
    : number & { readonly idOf?: Of }
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Plain<Item>[]
      : T extends object
        ? { [Name in keyof T]: Plain<T[Name]> }
        : T

/** What a part of a key may be. Numbers are finite. */
export type KeyValue = string | number | boolean | null

/** A key of several named values. (It names itself so that interfaces fit, too, which have no index signature.) */
export type KeyParts<Parts> = object & { readonly [Name in keyof Parts]: KeyValue }

/** The text of a key of these parts; to the compiler, keys of other parts are of another type. */
export type RecordKey<Parts> = string & { readonly keyOf: Parts }

/** The text of a key that is a whole number, e.g. `7`. */
export type NumberKey<N extends number> = string & { readonly numberOf: N }

/** The key that a text, a whole number or a record of values makes. */
export type KeyFor<Named> = Named extends string ? Named : Named extends number ? NumberKey<Named> : RecordKey<Named>

/** What names a key: the text that it is, or the number or the record that it is made of. */
export type NameOfKey<K> = K extends RecordKey<infer Parts> ? Parts : K extends NumberKey<infer N> ? N : K

/**
 * A key's text: a text is its own, a whole number its decimal digits, a record's is that of `recordKey`.
 * Throws a TypeError for anything else.
 */
export function keyText(named: string | number | object): string {
  if (typeof named === 'string') return named
  if (typeof named !== 'number') return recordKey(named as Readonly<Record<string, KeyValue>>)
  // A fraction, or a number that isn't exact, would be another text for the next one who writes it.
  if (Number.isSafeInteger(named)) return String(named)
  throw new TypeError(`a key that is a number is a whole one within ±(2^53 − 1), not ${named}`)
}

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
    throw new TypeError(`a key is a text, a whole number or a record of values, not ${kindOf(parts)}`)
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
