import { dirname, join, normalize } from 'node:path'
import type { Changes } from './changes.ts'
import { type Field, isInstant, presentType } from './fields.ts'
import { snake } from './names.ts'
import type { Origin } from './origin.ts'
import { addTo, findPlace } from './places.ts'
import { Refused } from './refused.ts'
import { plain, property, textOf } from './syntax.ts'

export interface Copied {
  readonly service: string
  readonly table: string
  readonly columns: readonly string[]
}

/** The tables that verification copies already. */
export function copiedTables(changes: Changes): Copied[] {
  const node = findPlace(changes, 'verify', 'copied')?.node
  if (node?.type !== 'ArrayExpression') return []
  return node.elements.flatMap((element) => {
    if (element?.type !== 'ObjectExpression') return []
    const [service, table, columns] = ['service', 'table', 'columns'].map((name) => textOf(property(element, name)))
    if (service === undefined || table === undefined || columns === undefined) return []
    return [{ service, table, columns: columns.split(',').map((column) => column.trim()) }]
  })
}

/** Where a read model's rows have what they have from: the first origin's, and what is joined to it. */
export interface Recomputed {
  readonly name: string
  readonly origins: readonly Origin[]
  /** The row's fields, each with its origin. */
  readonly columns: readonly { readonly field: string; readonly of: Origin; readonly from: Field }[]
}

/** The SQL that a read model has to equal, and what it needs. Throws `Refused`. */
export function addVerification(changes: Changes, recomputed: Recomputed): string {
  const { name, origins } = recomputed
  const place = findPlace(changes, 'verify')
  if (place?.node.type !== 'ObjectExpression') {
    throw new Refused("tributary.config.ts: `verify` isn't written as an object that could be followed; write it so")
  }
  const folder = dirname(place.path)
  const path = normalize(join(folder, `${name}.sql`))
  changes.create(path, sqlOf(recomputed))
  for (const origin of origins.filter(({ copied }) => !copied)) copy(changes, place, origin)
  const of = origins.map(({ service }) => `'${service}'`).join(', ')
  const parts = [`sql: new URL('./${name}.sql', import.meta.url)`, `of: [${of}]`]
  addTo(changes, ['verify', 'readModels'], { before: `${name}: `, parts }, [])
  return path
}

/** A service's table, copied with the columns that rows can have. */
function copy(changes: Changes, place: NonNullable<ReturnType<typeof findPlace>>, origin: Origin): void {
  const { service, table, fields } = origin
  const columns = fields.map(({ name }) => snake(name)).join(', ')
  const parts = [`service: '${service}'`, `table: '${table}'`, `columns: '${columns}'`]
  addTo(changes, ['verify', 'copied'], { before: '', parts }, [])
  const url = place.node.type === 'ObjectExpression' ? property(place.node, 'tables') : undefined
  const given = url?.type === 'NewExpression' ? textOf(plain(url.arguments[0])) : undefined
  if (given === undefined)
    throw new Refused(`${place.path}: \`tables\` isn't written as new URL('./….sql', import.meta.url); write it so`)
  changes.change(normalize(join(dirname(place.path), given)), (text) => withTable(text, table, fields))
}

function withTable(text: string, table: string, fields: readonly Field[]): string {
  const columns = fields.map(({ name, type }) => `${snake(name)} ${columnType(type)}`)
  const inline = `create temp table ${table} (${columns.join(', ')});`
  const added = inline.length <= 120 ? inline : `create temp table ${table} (\n  ${columns.join(',\n  ')}\n);`
  const last = [...text.matchAll(/^create temp table [^;]*;/gm)].at(-1)
  const end = last ? last.index + last[0].length : text.trimEnd().length
  return `${text.slice(0, end)}\n${added}${text.slice(end)}`
}

function columnType(type: Field['type']): string {
  if (isInstant(type)) return 'timestamptz'
  const columns = { string: 'text collate "C"', long: 'bigint', double: 'float8', float: 'float4' }
  const present = String(presentType(type))
  return Object.hasOwn(columns, present) ? columns[present as keyof typeof columns] : present
}

function sqlOf({ name, origins, columns }: Recomputed): string {
  const [first, ...joined] = origins as [Origin, ...Origin[]]
  const of = (origin: Origin, field: string) => `${joined.length > 0 ? `${origin.table}.` : ''}${snake(field)}`
  const value = (origin: Origin, from: Field) =>
    isInstant(from.type) ? `pg_temp.iso(${of(origin, from.name)})` : of(origin, from.name)
  const pairs = columns.map((column) => `    '${column.field}', ${value(column.of, column.from)}`)
  const joins = joined.map((origin) => {
    const same = origin.keyFields.map((key) => `${of(origin, key)} = ${of(first, key)}`)
    return `left join ${origin.table} on ${same.join(' and ')}\n`
  })
  return `\
-- Read model \`${name}\`: what the index has to hold, in one query over the services' tables.
select
  ${keySql(first, (field) => of(first, field))} as key,
  json_strip_nulls(json_build_object(
${pairs.join(',\n')}
  )) as document
from ${first.table}
${joins.join('')}`
}

/** The key of a row, as `rowsTopic` has it. */
function keySql({ key, keyFields, fields }: Origin, column: (field: string) => string): string {
  const [only] = keyFields
  const isText = (name: string) => fields.some((field) => field.name === name && presentType(field.type) === 'string')
  const part = (name: string) => (isText(name) ? column(name) : `${column(name)}::text`)
  if (keyFields.length === 1) return part(only!)
  return key.map((one) => ('text' in one ? `'${one.text.replaceAll("'", "''")}'` : part(one.field))).join(' || ')
}
