import { contractsOf } from '#contracts/generate'
import { parseRules } from '#contracts/rules-file'
import type { Changes } from './changes.ts'
import { avroText, type Field, type RecordSchema } from './fields.ts'
import { Refused } from './refused.ts'

export const RULES = 'schemas/rules.json'
const GENERATED = 'schemas/contracts.generated.ts'

/** The record of an event or a row, with its file, by its short name; undefined where there is none. */
export function findRecord(changes: Changes, name: string): { path: string; schema: RecordSchema } | undefined {
  return records(changes).find(({ schema }) => schema.name === name)
}

const filesOf = (changes: Changes): string[] =>
  ['schemas/events', 'schemas/rows'].flatMap((folder) => changes.list(folder, '.avsc'))

function records(changes: Changes): { path: string; schema: RecordSchema }[] {
  return filesOf(changes).map((path) => {
    try {
      return { path, schema: JSON.parse(changes.read(path)) as RecordSchema }
    } catch (error) {
      throw new Refused(`${path} can't be read, mend it first: ${(error as Error).message}`)
    }
  })
}

/** A new Avro file in a folder below schemas/, and the types that belong to it. Throws `Refused` where the name is taken. */
export function addRecord(
  changes: Changes,
  folder: string,
  { name, doc, fields }: { readonly name: string; readonly doc: string; readonly fields: readonly Field[] },
): void {
  const all = records(changes)
  const other = all.find(({ schema }) => schema.name === name)
  if (other) throw new Refused(`there is a record "${name}" already: ${other.path}`)
  // Namespaces end with the folder; what stands before is the project's.
  const base = all[0]?.schema.namespace.replace(/\.[^.]*$/, '') ?? 'tributary'
  const namespace = `${base}.${folder.split('/').at(-1)}`
  changes.create(`schemas/${folder}/${name}.avsc`, avroText({ type: 'record', namespace, name, doc, fields }))
  const rules = changes.find(RULES)
  const schemas = filesOf(changes)
    .sort()
    .map((path) => JSON.parse(changes.read(path)))
  const generated = contractsOf(schemas, rules === undefined ? {} : parseRules(rules))
  if (changes.find(GENERATED) === undefined) changes.create(GENERATED, generated)
  else changes.change(GENERATED, () => generated)
}
