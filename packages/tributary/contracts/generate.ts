import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { project } from '#runtime/project'

type Field = { name: string; type: Type; doc?: string }
export type RecordSchema = { type: 'record'; name: string; namespace?: string; doc?: string; fields: Field[] }
type Type = string | Type[] | RecordSchema | { type: 'array'; items: Type } | { type: string; logicalType?: string }

const folder = join(project, 'schemas')

/** The file that `tributary schemas generate` writes and the check compares with. */
export const generatedFile = join(folder, 'contracts.generated.ts')

/** The Avro files, sorted by path, so that generating twice gives the same text. */
export function schemaFiles(): string[] {
  return globSync('{events,rows}/**/*.avsc', { cwd: folder })
    .sort()
    .map((file) => join(folder, file))
}

function readSchemas(): Map<string, string> {
  return new Map(schemaFiles().map((file) => [relative(folder, file), readFileSync(file, 'utf8')]))
}

/**
 * The TypeScript that belongs to the Avro files: an interface and a contract for every record.
 * @param schemas the files' texts by their path below schemas/; the project's unless told
 */
export function generateContracts(schemas: ReadonlyMap<string, string> = readSchemas()): string {
  const sorted = [...schemas].sort(([a], [b]) => (a < b ? -1 : 1))
  const { ids } = JSON.parse(readFileSync(join(folder, 'rules.json'), 'utf8'))
  return contractsOf(
    sorted.map(([, text]) => JSON.parse(text)),
    ids,
  )
}

/**
 * The TypeScript of schemas.
 * @param idOf by a field's name, what it is the id of
 */
export function contractsOf(schemas: readonly RecordSchema[], idOf: Readonly<Record<string, string>> = {}): string {
  const ids = new Ids(idOf)
  const parts = schemas.map((schema) => {
    const nested: RecordSchema[] = []
    const own = interfaceOf(schema, nested, ids)
    const constant = `export const ${schema.name}: Contract<${schema.name}> = contract<${schema.name}>(${JSON.stringify(schema)})\n`
    return [...nested.map((n) => interfaceOf(n, [], ids)), own, constant].join('\n')
  })
  ids.check()
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

  /** Throws where one is of no schema: most likely it is written wrong. */
  check(): void {
    const unknown = Object.keys(this.#of).filter((field) => !this.#met.has(field))
    if (unknown.length > 0)
      throw new Error(`schemas/rules.json: no schema has a field "${unknown.join('", "')}" of "ids"`)
  }
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
