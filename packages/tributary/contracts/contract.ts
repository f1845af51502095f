/** An Avro schema as JSON, the way it is registered. */
export type AvroSchema = { readonly type: 'record'; readonly namespace: string; readonly name: string } & Readonly<
  Record<string, unknown>
>

/**
 * What a record on a topic looks like: its full name (which is its registry subject and an event's `ce_type`), its
 * Avro schema, and the TypeScript type of its values.
 */
export interface Contract<T> {
  readonly name: string
  readonly schema: AvroSchema
  /** Only there for the compiler; never set. */
  readonly value?: T
}

/** The values a contract describes. */
export type ValueOf<C> = C extends Contract<infer T> ? T : never

/** A point in time: milliseconds since 1970-01-01T00:00Z (Avro `timestamp-millis`). */
export type Instant = number

/** Makes a contract of a schema; the full name is read off the schema. */
export function contract<T>(schema: AvroSchema): Contract<T> {
  return { name: `${schema.namespace}.${schema.name}`, schema }
}
