import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { project } from '#runtime/project'

type Field = { name: string; type: Type; doc?: string }
type RecordSchema = { type: 'record'; name: string; namespace?: string; doc?: string; fields: Field[] }
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
  const parts = sorted.map(([, text]) => {
    const schema = JSON.parse(text) as RecordSchema
    const nested: RecordSchema[] = []
    const own = interfaceOf(schema, nested)
    const constant = `export const ${schema.name}: Contract<${schema.name}> = contract<${schema.name}>(${JSON.stringify(schema)})\n`
    return [...nested.map((n) => interfaceOf(n, [])), own, constant].join('\n')
  })
  return [
    '// Written by `npx --no tributary schemas generate` from the .avsc files beside it: change those, not this.\n',
    "import { type Contract, contract, type Instant } from 'tributary/contracts'\n",
    ...parts,
  ].join('\n')
}

function interfaceOf(schema: RecordSchema, nested: RecordSchema[]): string {
  const lines = schema.fields.map((field) => {
    const doc = field.doc ? `  /** ${field.doc} */\n` : ''
    return `${doc}  readonly ${field.name}: ${typeOf(field.type, nested)}`
  })
  return `${schema.doc ? `/** ${schema.doc} */\n` : ''}export interface ${schema.name} {\n${lines.join('\n')}\n}\n`
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
