/** An Avro type as it stands in a schema file. */
export type AvroJson = string | readonly AvroJson[] | AvroObject
export interface AvroObject {
  readonly type: AvroJson
  readonly name?: string
  readonly logicalType?: string
  readonly items?: AvroJson
  readonly fields?: readonly { readonly name: string; readonly type: AvroJson }[]
}

/** What a row's field can be; everything a document is made of. */
export type Shape =
  | { readonly kind: 'string' | 'boolean' | 'int' | 'long' | 'double' | 'instant' }
  | { readonly kind: 'record'; readonly fields: readonly Field[] }
  | { readonly kind: 'array'; readonly of: Shape }
export interface Field {
  readonly name: string
  readonly shape: Shape
  readonly nullable: boolean
}

const SCALARS: Readonly<Record<string, Shape>> = {
  string: { kind: 'string' },
  boolean: { kind: 'boolean' },
  int: { kind: 'int' },
  long: { kind: 'long' },
  float: { kind: 'double' },
  double: { kind: 'double' },
}

/** The fields of a row's schema, in its order. Throws on types a document has no form for (maps, unions of two types). */
export function fieldsOf(schema: unknown, path = ''): readonly Field[] {
  const { fields } = schema as AvroObject
  if (!fields) throw new TypeError(`${path || 'the row'}: not an Avro record`)
  return fields.map((field) => {
    const at = path ? `${path}.${field.name}` : field.name
    const union = Array.isArray(field.type) ? (field.type as readonly AvroJson[]) : [field.type as AvroJson]
    const types = union.filter((type) => type !== 'null')
    if (types.length !== 1) throw new TypeError(`${at}: a union of ${types.length} types has no place in a document`)
    return { name: field.name, shape: shapeOf(types[0]!, at), nullable: types.length < union.length }
  })
}

function shapeOf(type: AvroJson, at: string): Shape {
  if (typeof type === 'string') {
    const scalar = SCALARS[type]
    if (!scalar) throw new TypeError(`${at}: Avro type "${type}" has no place in a document`)
    return scalar
  }
  const { type: name, logicalType, items } = type as AvroObject
  if (logicalType === 'timestamp-millis') return { kind: 'instant' }
  if (name === 'record') return { kind: 'record', fields: fieldsOf(type, at) }
  if (name === 'array' && items !== undefined) return { kind: 'array', of: shapeOf(items, at) }
  return shapeOf(name, at)
}
