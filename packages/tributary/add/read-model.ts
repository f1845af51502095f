import type { Changes } from './changes.ts'
import { type Field, isNullable } from './fields.ts'
import { importing } from './imports.ts'
import { checkName, oneOf, pascal, singular } from './names.ts'
import { type Origin, originOf } from './origin.ts'
import { addTo } from './places.ts'
import { Refused } from './refused.ts'
import { addRecord } from './schemas.ts'
import { boundNames, statementsOf } from './syntax.ts'
import { addRowsTopic, declaredTopics } from './topics.ts'
import { type Joined, keyOf, type Names, topologyTest, topologyText } from './topology-text.ts'
import { addVerification } from './verification.ts'

/** Where a project that begins has all of its read models; others have a file for each in a folder of this name. */
const TOGETHER = 'sinks/read-models.ts'

export interface ReadModelOptions {
  /** Services: the first one's things are the rows, the others' are joined to them. */
  readonly from: readonly string[]
  /** The event that a row begins with; the first topic's first unless told. */
  readonly event?: string | undefined
}

/**
 * A read model with all that it needs: its row and rows topic, the topology that keeps it, and the SQL that it has to
 * equal. Throws `Refused`.
 * @returns what to do next
 */
export function addReadModel(changes: Changes, name: string, { from, event }: ReadModelOptions): string[] {
  checkName('read model', name)
  if (declaredTopics(changes).rows.some(({ readModel }) => readModel === name)) {
    throw new Refused(`there is a read model "${name}" already`)
  }
  const twice = from.find((one, at) => from.indexOf(one) !== at)
  if (twice) throw new Refused(`"${twice}" is given twice`)
  const noun = singular(name)
  const names: Names = { name, noun, row: `${pascal(noun)}Row`, rows: `${pascal(noun)}Rows` }
  const [first, ...others] = from.map((service, at) => originOf(changes, service, at === 0 ? event : undefined)) as [
    Origin,
    ...Origin[],
  ]
  const joined = joinsOf(first, others)

  const columns = [
    ...first.fields.map((field) => ({ field: field.name, of: first, from: field })),
    ...joined.flatMap(({ origin, adds }) => adds.map((one) => ({ ...one, of: origin }))),
  ]
  addRecord(changes, 'rows', {
    name: names.row,
    doc: `${pascal(oneOf(noun))}.`,
    fields: columns.map((column) => rowField(column, first)),
  })
  addRowsTopic(changes, names.rows, name, names.row, keyOf(first))
  const folder = `processors/${name}`
  changes.create(`${folder}/topology.ts`, topologyText(names, first, joined))
  changes.create(`${folder}/topology.test.ts`, topologyTest(names, first, joined))
  const sql = addVerification(changes, { name, origins: [first, ...others], columns })
  addTo(changes, ['topologies'], `{ topology: ${name}Topology }`, [[`${name}Topology`, `#${folder}/topology.ts`]])
  addTo(changes, ['readModels'], name, [[name, `#${addSink(changes, names)}`]])
  return nextSteps([first, ...others], sql, name)
}

/** What is joined finds its row by its key's fields, which the first one's rows must have. */
function joinsOf(first: Origin, others: readonly Origin[]): Joined[] {
  const names = new Set(first.fields.map(({ name }) => name))
  return others.map((origin) => {
    const missing = origin.keyFields.find((key) => !first.fields.some(({ name }) => name === key))
    if (missing !== undefined) {
      const have = first.fields.map(({ name }) => name).join(', ')
      throw new Refused(
        `${oneOf(first.noun)} has no "${missing}" by which its ${origin.noun} could be found (it has ${have}): name the service first whose events have it, or join by hand (docs/reference/dsl.md)`,
      )
    }
    const adds = origin.fields
      .filter(({ name }) => !origin.keyFields.includes(name))
      .map((from) => ({ field: names.has(from.name) ? `${origin.noun}${pascal(from.name)}` : from.name, from }))
    if (adds.length === 0) throw new Refused(`${oneOf(origin.noun)} has nothing but its key that could be joined`)
    for (const { field } of adds) {
      if (names.has(field)) throw new Refused(`two fields of the row would be called "${field}"; join by hand`)
      names.add(field)
    }
    return { origin, adds }
  })
}

function rowField({ field, of, from }: { field: string; of: Origin; from: Field }, first: Origin): Field {
  if (isNullable(from.type)) return { name: field, type: from.type, default: null }
  if (of === first) return { name: field, type: from.type }
  return { name: field, type: ['null', from.type], default: null, doc: `Null while the ${of.noun} isn't known.` }
}

/** The read model's own file, or its line in the one that has them all. */
function addSink(changes: Changes, { name, rows }: Names): string {
  const line = `export const ${name} = readModel(${rows})\n`
  if (changes.find(TOGETHER) === undefined) {
    const path = `sinks/read-models/${name}.ts`
    const imports = `import { readModel } from 'tributary/read-models'\nimport { ${rows} } from '#schemas/topics.ts'\n`
    changes.create(path, `${imports}\n${line}`)
    return path
  }
  if (boundNames(statementsOf(TOGETHER, changes.read(TOGETHER))).has(name)) {
    throw new Refused(`${TOGETHER} has something called "${name}" already: choose another name`)
  }
  changes.change(TOGETHER, (text) => {
    const read = importing(TOGETHER, text, 'readModel', 'tributary/read-models')
    return `${importing(TOGETHER, read, rows, '#schemas/topics.ts').trimEnd()}\n${line}`
  })
  return TOGETHER
}

function nextSteps(origins: readonly Origin[], sql: string, name: string): string[] {
  return [
    `processors/${name}/topology.ts: see that each event does to a row what it does in the service`,
    ...origins.flatMap(({ left, service, begins }) =>
      left.length === 0
        ? []
        : [
            `left out of ${service}'s ${begins}: ${left.join(', ')} (lists, records, and what verification has no column for)`,
          ],
    ),
    ...origins.flatMap(({ found, service, table }) =>
      found ? [] : [`${sql}: no migration of ${service} shows its table; see that it is "${table}" with these columns`],
    ),
    `npx --no tributary add report <name> --of ${name}: so that the page shows it`,
    'make up: starts its processor',
  ]
}
