import type { AvroSchema, Contract } from '#contracts/contract'

/** A field of an event or of a row. */
export interface CatalogueField {
  readonly name: string
  /** As Avro says it: `string`, `long (timestamp-millis)`, `null or string`, `list of Item`. */
  readonly type: string
  readonly doc?: string
}

/** An event or a row. */
export interface CatalogueRecord {
  readonly name: string
  /** Its full name, under which its schema is registered. */
  readonly subject: string
  readonly doc?: string
  readonly fields: readonly CatalogueField[]
  /** A value of it as programs see it: moments in ms since 1970. */
  readonly example: unknown
  /** The Avro schema. */
  readonly schema: AvroSchema
}

type Type = string | readonly Type[] | Named
interface Named {
  readonly type: Type
  readonly logicalType?: string
  readonly name?: string
  readonly items?: Type
  readonly fields?: readonly Field[]
  readonly symbols?: readonly string[]
}
interface Field {
  readonly name: string
  readonly type: Type
  readonly doc?: string
}

/** What the catalogue says of a contract. */
export function recordOf({ name: subject, schema }: Contract<unknown>): CatalogueRecord {
  const { name, doc, fields } = schema as unknown as { name: string; doc?: string; fields: readonly Field[] }
  return {
    name,
    subject,
    ...(doc !== undefined && { doc }),
    fields: fields.map((field) => ({
      name: field.name,
      type: typeOf(field.type),
      ...(field.doc !== undefined && { doc: field.doc }),
    })),
    example: exampleOf(schema as unknown as Type, name),
    schema,
  }
}

function typeOf(type: Type): string {
  if (typeof type === 'string') return type
  if (Array.isArray(type)) return type.map(typeOf).join(' or ')
  const { type: kind, logicalType, name, items } = type as Named
  if (items !== undefined) return `list of ${typeOf(items)}`
  return name ?? (logicalType ? `${kind} (${logicalType})` : String(kind))
}

/** 2026-01-02T03:04:05Z */
const MOMENT = 1_767_323_045_000

/** A value that fits a type. @param of the field's name, for texts */
function exampleOf(type: Type, of: string): unknown {
  if (Array.isArray(type)) return exampleOf(type.find((one) => one !== 'null') ?? 'null', of)
  if (typeof type === 'object') {
    const { type: kind, logicalType, fields, items, symbols } = type as Named
    if (fields) return Object.fromEntries(fields.map((field) => [field.name, exampleOf(field.type, field.name)]))
    if (items !== undefined) return [exampleOf(items, of)]
    if (symbols) return symbols[0]
    return logicalType === 'timestamp-millis' ? MOMENT : exampleOf(kind, of)
  }
  switch (type) {
    case 'string':
      return of.endsWith('Id') ? `${of.slice(0, -2)}-1` : of
    case 'boolean':
      return true
    case 'double':
    case 'float':
      return 1.5
    case 'null':
      return null
    default:
      return 1
  }
}
