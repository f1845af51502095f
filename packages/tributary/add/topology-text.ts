import { type Field, presentType, sample } from './fields.ts'
import { oneOf, pascal } from './names.ts'
import type { Origin } from './origin.ts'

/** A read model as its files name it. */
export interface Names {
  readonly name: string
  readonly noun: string
  /** The record of a row, and the constant of its topic. */
  readonly row: string
  readonly rows: string
}

/** What a joined table adds to a row. */
export interface Joined {
  readonly origin: Origin
  /** The row's field, and the other's that it is. */
  readonly adds: readonly { readonly field: string; readonly from: Field }[]
}

/** How a row's own key is written: by its fields alone where there is one. */
export function keyOf({ key, keyFields, fields }: Origin): string {
  const isKey = fields.some(
    ({ name, type }) => name === keyFields[0] && ['string', 'int', 'long'].includes(String(type)),
  )
  if (keyFields.length === 1) return isKey ? `(row) => row.${keyFields[0]}` : `(row) => String(row.${keyFields[0]})`
  return `(row) => ${written(key)}`
}

function written(key: Origin['key']): string {
  return `\`${key.map((part) => ('text' in part ? part.text : `\${row.${part.field}}`)).join('')}\``
}

/** The topology of a read model: the first origin's rows, with what the others add to them. */
export function topologyText({ name, row, rows }: Names, first: Origin, joined: readonly Joined[]): string {
  const simple = joined.length === 0
  const types = simple ? [row] : [first, ...joined.map(({ origin }) => origin)].map(({ begins }) => begins)
  const topics = [rows, first.constant, ...joined.map(({ origin }) => origin.constant)].sort(ignoringCase)
  const parts = [
    { origin: first, fields: first.fields },
    ...joined.map(({ origin, adds }) => ({ origin, fields: adds.map(({ from }) => from) })),
  ]
  const tables = parts.map(({ origin, fields }) => table(origin, simple ? row : partName(origin), fields))
  const interfaces = simple ? '' : `${parts.map(({ origin, fields }) => part(origin, fields)).join('\n')}\n`
  const about = simple
    ? `Every ${first.noun}, as its events tell it.`
    : `Every ${first.noun} with what is known of its ${joined.map(({ origin }) => origin.noun).join(' and its ')}.`
  const chain = simple
    ? `  return ${variable(first)}.to(${rows})`
    : ['', `  return ${variable(first)}`, ...joined.map((one) => join(first, one)), `    .to(${rows})`].join('\n')
  return `\
import { topology } from 'tributary/engine'
${importText('import type', [...new Set(types)].sort(ignoringCase), '#schemas/contracts.generated.ts')}
${importText('import', topics, '#schemas/topics.ts')}

${interfaces}/** ${about} */
export const ${name}Topology = topology('${name}', ({ events }) => {
${tables.join('\n\n')}
${chain}
})
`
}

function importText(keyword: string, names: readonly string[], from: string): string {
  const line = `${keyword} { ${names.join(', ')} } from '${from}'`
  return line.length <= 120 || names.length === 1
    ? line
    : `${keyword} {\n${names.map((name) => `  ${name},\n`).join('')}} from '${from}'`
}

const ignoringCase = new Intl.Collator('en', { numeric: true, caseFirst: 'upper' }).compare
const word = ({ noun }: Origin) => noun.replaceAll(/[^A-Za-z0-9]+/g, '_')
const variable = (origin: Origin) => `${word(origin)}Table`
/** What the test calls the data of an origin's first event. */
const given = (origin: Origin) => `${word(origin)}Event`

/** What a joined table's rows have: what the row takes of their first event. */
function part(origin: Origin, fields: readonly Field[]): string {
  const lines = fields.map(({ name }) => `  readonly ${name}: ${origin.begins}['${name}']\n`)
  return `interface ${partName(origin)} {\n${lines.join('')}}\n`
}

const partName = (origin: Origin) => `${pascal(word(origin))}Part`

/** The table of a topic's rows, folded from its events. */
function table(origin: Origin, type: string, fields: readonly Field[]): string {
  const { constant, events, amongOthers } = origin
  const from = amongOthers
    ? `events(${constant})\n    .only(${events.map(({ name }) => `'${name}'`).join(', ')})\n    `
    : `events(${constant})`
  const indent = amongOthers ? '      ' : '    '
  const handlers = events.map((event, at) => indent + handler(origin, event, at === 0, fields, indent))
  return `  const ${variable(origin)} = ${from}.evolve<${type}>({\n${handlers.join(',\n')},\n${indent.slice(2)}})`
}

/** What an event does to a row: the first one makes it, a later one brings what both have, else it changes nothing. */
function handler(
  { keyFields }: Origin,
  event: Origin['events'][number],
  isFirst: boolean,
  fields: readonly Field[],
  indent: string,
): string {
  if (isFirst && fields.length === event.fields.length) return `${event.name}: (_, event) => event`
  const takes = (one: Field) => event.fields.some((other) => other.name === one.name && isSame(other.type, one.type))
  const taken = fields.filter((one) => isFirst || (takes(one) && !keyFields.includes(one.name)))
  if (isFirst) {
    const lines = taken.map(({ name }) => `${indent}  ${name}: event.${name},\n`)
    return `${event.name}: (_, event) => ({\n${lines.join('')}${indent}})`
  }
  if (taken.length === 0) return `${event.name}: (row) => row`
  const short = `${event.name}: (row, event) => row && { ...row, ${taken.map(({ name }) => `${name}: event.${name}`).join(', ')} }`
  if (indent.length + short.length < 120) return short
  const lines = taken.map(({ name }) => `${indent}    ${name}: event.${name},\n`)
  return `${event.name}: (row, event) =>\n${indent}  row && {\n${indent}    ...row,\n${lines.join('')}${indent}  }`
}

const isSame = (a: Field['type'], b: Field['type']) => JSON.stringify(a) === JSON.stringify(b)

function join(first: Origin, { origin, adds }: Joined): string {
  const [only, ...more] = origin.key
  const name = more.length === 0 && only && 'field' in only ? `row.${only.field}` : written(origin.key)
  const nullable = origin.keyFields.filter((key) => {
    const { type } = first.fields.find((field) => field.name === key)!
    return type !== presentType(type)
  })
  const on = name.startsWith('row.') ? name : [...nullable.map((key) => `row.${key}`), name].join(' && ')
  const lines = adds.map(({ field, from }) => `        ${field}: other?.${from.name} ?? null,\n`)
  return `\
    .leftJoin(${variable(origin)}, {
      name: '${first.noun}-${origin.noun}',
      on: (row) => ${on},
      select: (row, other) => ({
        ...row,
${lines.join('')}      }),
    })`
}

/** A test that plays the first events through the topology. */
export function topologyTest(names: Names, first: Origin, joined: readonly Joined[]): string {
  const { name, noun, rows } = names
  const all = [first, ...joined.map(({ origin }) => origin)]
  const data = all.map((origin) => `const ${given(origin)} = ${literal(origin.events[0]!.fields)}\n`)
  const topics = [rows, ...all.map(({ constant }) => constant)].sort(ignoringCase)
  const key = (origin: Origin) =>
    `'${origin.key.map((part) => ('text' in part ? part.text : bare(origin, part.field))).join('')}'`
  const own = first.keyFields.length === 1 ? `'${bare(first, first.keyFields[0]!)}'` : key(first)
  const pipes = all.map((origin) => {
    const event = [`name: '${origin.begins}'`, `key: ${key(origin)}`, `data: ${given(origin)}`]
    return `  driven.pipe(${origin.constant}, {\n${event.map((part) => `    ${part},\n`).join('')}  })\n`
  })
  const added = joined.flatMap(({ origin, adds }) =>
    adds.map(({ field, from }) => [field, `${given(origin)}.${from.name}`]),
  )
  const row = [...first.fields.map(({ name }) => [name, `${given(first)}.${name}`]), ...added]
  const says =
    joined.length === 0
      ? 'is a row of its own'
      : `is a row with what is known of its ${joined.map(({ origin }) => origin.noun).join(' and its ')}`
  return `\
import { drive } from 'tributary/testing'
import { expect, test } from 'vitest'
${importText('import', topics, '#schemas/topics.ts')}
import { ${name}Topology } from './topology.ts'

${data.join('\n')}
test('${oneOf(noun)} ${says}', () => {
  const driven = drive(${name}Topology)
${pipes.join('')}  expect(driven.table(${rows}).get(${own})).toEqual({
${row.map(([field, value]) => `    ${field}: ${value},\n`).join('')}  })
  expect(driven.failures).toEqual([])
})
`
}

const literal = (fields: readonly Field[]) =>
  `{\n${fields.map(({ name, type }) => `  ${name}: ${sample(name, type)},\n`).join('')}}`

/** An example as it stands in a key. */
function bare({ events }: Origin, field: string): string {
  const type = events[0]!.fields.find(({ name }) => name === field)?.type ?? 'string'
  return sample(field, type).replace(/^'|'$/g, '')
}
