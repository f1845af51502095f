import { checkFieldName } from './names.ts'
import { Refused } from './refused.ts'

export type AvroType =
  | string
  | readonly AvroType[]
  | { readonly type: string; readonly logicalType?: string; readonly [more: string]: unknown }

/** A field of a record, as its Avro file has it. */
export interface Field {
  readonly name: string
  readonly type: AvroType
  readonly doc?: string
  readonly default?: unknown
}

export interface RecordSchema {
  readonly type: 'record'
  readonly namespace: string
  readonly name: string
  readonly doc?: string
  readonly fields: readonly Field[]
}

const INSTANT = { type: 'long', logicalType: 'timestamp-millis' } as const

/** What can be asked for, and the Avro type that it is. */
const kinds: Readonly<Record<string, AvroType>> = {
  string: 'string',
  boolean: 'boolean',
  int: 'int',
  long: 'long',
  double: 'double',
  instant: INSTANT,
}

export const fieldForm = `name:type, where the type is ${Object.keys(kinds).join(', ')}; a ? behind it lets it be null`

/** A field as it is asked for: `memberId:string`, `returnedAt:instant?`. Throws `Refused`. */
export function parseField(text: string): Field {
  const [, name = text, kind = '', optional = ''] = /^([^:]*):([^?]*)(\??)$/.exec(text) ?? []
  const type = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (type === undefined) throw new Refused(`"${text}" is not a field: ${fieldForm}`)
  checkFieldName(name)
  return optional ? { name, type: ['null', type], default: null } : { name, type }
}

/** What a key can be, and the values that it can have where it is a number. */
const keyTypes = { string: undefined, int: 2 ** 31 - 1, long: Number.MAX_SAFE_INTEGER } as const

export type KeyType = keyof typeof keyTypes
export const keyForm = `name:type, where the type is ${Object.keys(keyTypes).join(', ')}`

/** What names a thing, as it is asked for: `seatNo:int`. Throws `Refused`. */
export function parseKey(text: string): { readonly name: string; readonly type: KeyType } {
  const [, name = text, type = ''] = /^([^:]*):(.*)$/.exec(text) ?? []
  if (!Object.hasOwn(keyTypes, type)) throw new Refused(`"${text}" is not a key: ${keyForm}`)
  checkFieldName(name)
  return { name, type: type as KeyType }
}

/** The greatest number that a key of this type can be; undefined where it is a text. */
export const greatest = (type: KeyType): number | undefined => keyTypes[type]

/** What of a union isn't null; any other type is itself. */
export function presentType(type: AvroType): AvroType {
  return isUnion(type) ? (type.find((one) => one !== 'null') ?? 'null') : type
}

export const isNullable = (type: AvroType): boolean => isUnion(type) && type.includes('null')

const isUnion = (type: AvroType): type is readonly AvroType[] => Array.isArray(type)

/** Whether a value is one value, and no list or record. */
export const isSingle = (type: AvroType): boolean => typeof presentType(type) === 'string' || isInstant(type)

export function isInstant(type: AvroType): boolean {
  const present = presentType(type)
  return typeof present === 'object' && 'logicalType' in present && present.logicalType === INSTANT.logicalType
}

/** A record as a person writes it: one field a line. */
export function avroText({ fields, ...record }: RecordSchema): string {
  const head = Object.entries(record).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`)
  return `{\n${head.join('')}  "fields": [\n${fields.map((field) => `    ${spaced(field)}`).join(',\n')}\n  ]\n}\n`
}

function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const parts = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${spaced(one)}`)
  return `{ ${parts.join(', ')} }`
}

/** An example of a value, as TypeScript writes it. */
export function sample(name: string, type: AvroType): string {
  if (isInstant(type)) return "Date.parse('2026-01-02T03:04:05Z')"
  const present = presentType(type)
  if (typeof present === 'object' && !Array.isArray(present)) {
    const { type: kind, fields = [] } = present as { type: string; fields?: readonly Field[] }
    if (kind === 'array') return '[]'
    if (kind !== 'record') return sample(name, kind)
    return `{ ${fields.map((field) => `${field.name}: ${sample(field.name, field.type)}`).join(', ')} }`
  }
  if (present === 'string') return `'${name} 1'`
  return present === 'boolean' ? 'true' : '1'
}
