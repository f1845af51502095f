import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { project } from '#runtime/project'
import { parseRules, type Rules } from './rules-file.ts'

type Field = { name: string; type: Type; doc?: string }
export type RecordSchema = { type: 'record'; name: string; namespace?: string; doc?: string; fields: Field[] }
type Type = string | Type[] | RecordSchema | { type: 'array'; items: Type } | { type: string; logicalType?: string }

const folder = () => join(project(), 'schemas')

/** The file that `tributary schemas generate` writes and the check compares with. */
export const generatedFile = () => join(folder(), 'contracts.generated.ts')

/** The Avro files, sorted by path, so that generating twice gives the same text. */
export function schemaFiles(): string[] {
  return globSync('{events,rows}/**/*.avsc', { cwd: folder() })
    .sort()
    .map((file) => join(folder(), file))
}

function readSchemas(): Map<string, string> {
  return new Map(schemaFiles().map((file) => [relative(folder(), file), readFileSync(file, 'utf8')]))
}

/**
 * The TypeScript that belongs to the Avro files: an interface and a contract for every record.
 * @param schemas the files' texts by their path below schemas/; the project's unless told
 */
export function generateContracts(schemas: ReadonlyMap<string, string> = readSchemas()): string {
  const sorted = [...schemas].sort(([a], [b]) => (a < b ? -1 : 1))
  return contractsOf(
    sorted.map(([, text]) => JSON.parse(text)),
    parseRules(readFileSync(join(folder(), 'rules.json'), 'utf8')),
  )
}

/** What rules.json says of fields by their names. */
type Named = Partial<Pick<Rules, 'fields' | 'ids' | 'lists'>>

/** The TypeScript of schemas. Throws where the rules name a field that no schema has. */
export function contractsOf(schemas: readonly RecordSchema[], rules: Named = {}): string {
  checkNames(schemas, rules)
  const ids = new Ids(rules.ids ?? {})
  const parts = schemas.map((schema) => {
    const nested: RecordSchema[] = []
    const own = interfaceOf(schema, nested, ids)
    const constant = `export const ${schema.name}: Contract<${schema.name}> = contract<${schema.name}>(${JSON.stringify(schema)})\n`
    // A record may have records itself: the list grows while it is walked.
    const parts: string[] = []
    for (const each of nested) parts.push(interfaceOf(each, nested, ids))
    return [...parts, own, constant].join('\n')
  })
  return [
    '// Written by `npx --no tributary schemas generate` from the .avsc files beside it: change those, not this.\n',
    `import { type Contract, contract, ${ids.used ? 'type Id, ' : ''}type Instant } from 'tributary/contracts'\n`,
    ...parts,
  ].join('\n')
}

/** Which fields are ids of what: `ids` of schemas/rules.json. */
class Ids {
  readonly #of: Readonly<Record<string, string>>
  readonly #met = new Set<string>()

  constructor(of: Readonly<Record<string, string>>) {
    this.#of = of
  }

  get used(): boolean {
    return this.#met.size > 0
  }

  of(field: string): string | undefined {
    if (!Object.hasOwn(this.#of, field)) return undefined
    this.#met.add(field)
    return this.#of[field]
  }
}

/** A name that no schema has is most likely written wrong, and its rule would be kept by nobody. */
function checkNames(schemas: readonly RecordSchema[], { fields = {}, ids = {}, lists = {} }: Named): void {
  const all = schemas.flatMap(({ fields }) => [...within(fields)])
  const named = (part: string, rules: object, there: ReadonlySet<string>, what: string) =>
    Object.keys(rules)
      .filter((name) => !there.has(name))
      .map((name) => `"${part}" has "${name}", and no schema has a ${what} of that name`)
  const names = new Set(all.map(({ name }) => name))
  const ofLists = new Set(all.filter(({ type }) => presentType(type) === 'array').map(({ name }) => name))
  // One that is stored in a table needn't be a list of any event: its rows may come one by one.
  const ofEvents = Object.fromEntries(Object.entries(lists).filter(([, { rows }]) => rows === undefined))
  const faults = [
    ...named('fields', fields, names, 'field'),
    ...named('ids', ids, names, 'field'),
    ...named('lists', ofEvents, ofLists, 'list'),
  ]
  if (faults.length === 0) return
  throw new Error(
    `schemas/rules.json: ${faults.join('; ')}. Write it as the .avsc has it, or take it out where its field is gone`,
  )
}

/** Of the events' fields, those whose values nobody judges beyond their schema. */
export function fieldsWithoutKind(): string[] {
  const { fields: kinds, lists } = parseRules(readFileSync(join(folder(), 'rules.json'), 'utf8'))
  const events = schemaFiles().filter((file) => relative(folder(), file).startsWith('events'))
  const all = events.flatMap((file) => [...within(JSON.parse(readFileSync(file, 'utf8')).fields)])
  const bare = all.filter(({ name, type }) => {
    const types = [type].flat(2).filter((each) => each !== 'null')
    // A yes or no is one or the other, and what is in a record is judged itself.
    if (types.every((each) => each === 'boolean' || recordIn(each))) {
      return presentType(type) === 'array' && !Object.hasOwn(lists, name)
    }
    return !Object.hasOwn(kinds, name)
  })
  return [...new Set(bare.map(({ name }) => name))].sort()
}

/** Fields, those of records within them included. */
function* within(fields: readonly Field[]): Generator<Field> {
  for (const field of fields) {
    yield field
    for (const type of [field.type].flat(2)) yield* within(recordIn(type)?.fields ?? [])
  }
}

function recordIn(type: Type): RecordSchema | undefined {
  if (typeof type !== 'object' || Array.isArray(type)) return undefined
  if ('fields' in type) return type
  return 'items' in type ? recordIn(type.items) : undefined
}

/** `array` of a list, also where it may be null. */
function presentType(type: Type): string | undefined {
  const present = Array.isArray(type) ? type.find((each) => each !== 'null') : type
  return typeof present === 'object' && !Array.isArray(present) ? present.type : undefined
}

function interfaceOf(schema: RecordSchema, nested: RecordSchema[], ids: Ids): string {
  const lines = schema.fields.map((field) => {
    const doc = field.doc ? `  /** ${field.doc} */\n` : ''
    const id = ids.of(field.name)
    const type = id === undefined ? typeOf(field.type, nested) : idOf(id, field, schema)
    return `${doc}  readonly ${field.name}: ${type}`
  })
  return `${schema.doc ? `/** ${schema.doc} */\n` : ''}export interface ${schema.name} {\n${lines.join('\n')}\n}\n`
}

/** The type of a field that is an id, or a list of them. Throws where its values are neither texts nor whole numbers. */
function idOf(id: string, field: Field, of: RecordSchema): string {
  const typeOf = (type: Type): string => {
    if (Array.isArray(type)) {
      const members = type.filter((each) => each !== 'null').map(typeOf)
      return [...members, ...(type.includes('null') ? ['null'] : [])].join(' | ')
    }
    if (typeof type === 'object' && 'items' in type) return `readonly ${typeOf(type.items)}[]`
    if (type === 'string') return `Id<'${id}'>`
    if (type === 'int' || type === 'long') return `Id<'${id}', number>`
    throw new Error(
      `schemas/rules.json: "${field.name}" is an id of "${id}", and in ${of.name} neither a text nor a whole number`,
    )
  }
  return typeOf(field.type)
}

function typeOf(type: Type, nested: RecordSchema[]): string {
  if (Array.isArray(type)) {
    const members = type.filter((t) => t !== 'null').map((t) => typeOf(t, nested))
    return [...members, ...(type.includes('null') ? ['null'] : [])].join(' | ')
  }
  if (typeof type === 'object') {
    if ('items' in type) return `readonly ${typeOf(type.items, nested)}[]`
    if ('fields' in type) {
      nested.push(type)
      return type.name
    }
    if (type.logicalType === 'timestamp-millis') return 'Instant'
    return typeOf(type.type, nested)
  }
  switch (type) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'boolean'
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number'
    default:
      throw new Error(
        `Avro type "${type}" has no TypeScript type here: use string, boolean, int, long, double, array or record`,
      )
  }
}
