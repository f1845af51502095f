import type { Changes } from './changes.ts'
import { greatest, type KeyType, parseKey } from './fields.ts'
import { importing } from './imports.ts'
import { insert, listOf } from './insert.ts'
import { checkEventName, checkServiceName, pascal, singular, snake } from './names.ts'
import { addTo, findPlace } from './places.ts'
import { Refused } from './refused.ts'
import { addRecord, RULES } from './schemas.ts'
import { boundNames, jsonOf, type Placed, property, propertyNames, statementsOf } from './syntax.ts'
import { addEventsTopic, declaredTopics } from './topics.ts'

const VALUES = 'schemas/values.ts'

/**
 * A service with one table and one command, which publishes one event. Throws `Refused`.
 * @param event its event; `<One>Added` unless told
 * @param key what names a thing, and of which type it is; `<one>Id:string` unless told
 * @returns what to do next
 */
export function addService(
  changes: Changes,
  name: string,
  { event, key }: { readonly event?: string | undefined; readonly key?: string | undefined },
): string[] {
  checkServiceName(name)
  const noun = singular(name)
  const { name: id, type } = parseKey(key ?? `${noun}Id:string`)
  if (id === 'name') throw new Refused('"name" is what the example calls a thing: name the key otherwise')
  const names: Names = {
    name,
    noun,
    topic: pascal(name),
    event: event ?? `${pascal(noun)}Added`,
    id,
    type,
    column: snake(id),
  }
  checkEventName(names.event)
  const services = findPlace(changes, 'services')?.node
  const there = services?.type === 'ObjectExpression' ? propertyNames(services) : []
  if (there.includes(name)) throw new Refused(`there is a service "${name}" already`)
  if (declaredTopics(changes).events.some(({ service }) => service === name)) {
    throw new Refused(`schemas/topics.ts declares a topic of a service "${name}" already`)
  }
  const folder = `producers/${name}`
  if (changes.list(folder, '').length > 0) throw new Refused(`${folder} is there already: choose another name`)

  const { topic } = names
  addRule(changes, names)
  addRecord(changes, `events/${name}`, {
    name: names.event,
    doc: `A new ${noun}.`,
    fields: [
      { name: id, type },
      { name: 'name', type: 'string' },
    ],
  })
  addEventsTopic(changes, topic, name, names.event, id)
  changes.create(`${folder}/service.ts`, serviceText(names, addValues(changes, names)))
  changes.create(`${folder}/service.test.ts`, testText(names))
  const load = `load: () => import('#producers/${name}/service.ts')`
  addTo(changes, ['services'], { before: `${name}: `, parts: [`publishes: ${topic}`, load] }, [
    [topic, '#schemas/topics.ts'],
  ])
  return [
    `${folder}/service.ts: say what the service is of; its table and its command are an example`,
    'make up: makes its database, logins, topic and connector',
    `npx --no tributary add read-model <name> --from ${name}: so that it can be searched`,
  ]
}

interface Names {
  readonly name: string
  readonly noun: string
  readonly topic: string
  readonly event: string
  /** What names a thing, its type, and its column. */
  readonly id: string
  readonly type: KeyType
  readonly column: string
}

/** A new id is of the kind that ids are of, where the project has such a kind; a number is of a kind of its own. */
function addRule(changes: Changes, { id: field, type, noun }: Names): void {
  if (changes.find(RULES) === undefined) return
  const max = greatest(type)
  const has = (part: string, name: string) => partOf(changes.read(RULES), part)?.names.includes(name) ?? false
  const add = (part: string, entry: string) =>
    changes.change(RULES, (text) => {
      const list = partOf(text, part)?.list
      return list ? insert(text, list, entry) : text
    })
  const kind = max === undefined ? 'id' : field
  if (max !== undefined && !has('kinds', kind)) {
    const rule = `"type": "integer", "min": 0, "max": ${max}, "because": "it is a whole number that everybody can hold"`
    add('kinds', `"${kind}": { ${rule} }`)
  }
  if (has('kinds', kind) && !has('fields', field)) add('fields', `"${field}": "${kind}"`)
  if (!has('ids', field)) add('ids', `"${field}": "${noun}"`)
}

/** An object of rules.json: what it names, and where something is put in. */
function partOf(text: string, name: string) {
  const rules = jsonOf(RULES, text)
  const part = rules.type === 'ObjectExpression' ? property(rules, name) : undefined
  if (part?.type !== 'ObjectExpression') return undefined
  return { names: propertyNames(part), list: listOf(part as Placed<typeof part>) }
}

/**
 * What requests may say of the new thing, beside what others may say of theirs, where the project's rules know ids and names.
 * @returns whether they are there now
 */
function addValues(changes: Changes, { id, type, noun }: Names): boolean {
  if (changes.find(VALUES) === undefined || changes.find(RULES) === undefined) return false
  const known = partOf(changes.read(RULES), 'kinds')?.names ?? []
  const [make, kind] = type === 'string' ? (['text', 'id'] as const) : (['integer', id] as const)
  if (!known.includes(kind) || !known.includes('name')) return false
  const values = [
    { name: id, make, value: `${make}('${kind}', { of: '${noun}' })` },
    { name: 'name', make: 'text', value: "text('name')" },
  ]
  changes.change(VALUES, (before) => {
    const there = boundNames(statementsOf(VALUES, before))
    const missing = values.filter(({ name }) => !there.has(name))
    const lines = missing.map(({ name, value }) => `export const ${name} = ${value}\n`)
    const text = missing.reduce((all, { make }) => importing(VALUES, all, make, 'tributary/service'), before)
    return `${text.trimEnd()}\n${lines.join('')}`
  })
  return true
}

const serviceText = ({ name, noun, topic, event, id, type, column }: Names, values: boolean) => `\
import { publish, publishes } from 'tributary/outbox'
import { conflict, type ServiceDefinition } from 'tributary/service'
import { z } from 'zod'
import { ${event} } from '#schemas/contracts.generated.ts'
import { ${topic} } from '#schemas/topics.ts'
${values ? `import { ${[id, 'name'].sort().join(', ')} } from '#schemas/values.ts'\n` : `\nconst ${id} = ${type === 'string' ? 'z.string().min(1).max(400)' : `z.int().min(0).max(${greatest(type)})`}\nconst name = z.string().min(1).max(400)\n`}
export const service: ServiceDefinition = {
  name: '${name}',
  description: '${pascal(name)}.',
  migrations: [
    {
      name: '${name}/001_${name}',
      up: (db) =>
        db.schema.createTable('${name}', (table) => {
          table.${{ string: 'text', int: 'integer', long: 'bigInteger' }[type]}('${column}').primary()
          table.text('name').notNullable()
        }),
    },
  ],
  publishes: publishes(${topic}, {
    ${event}: { aggregate: '${noun}' },
  }),
  subscriptions: [],
  republish: [
    {
      kind: '${noun}',
      table: '${name}',
      key: ['${column}'],
      async rebuild(trx, row: { ${column}: ${type === 'string' ? 'string' : 'number'}; name: string }) {
        await publish(trx, ${event}, {
          ${id}: row.${column},
          name: row.name,
        })
      },
    },
  ],
  routes(api) {
    api.post('/${name}', {
      summary: 'Add a ${noun}',
      body: z.strictObject({ ${id}, name }),
      status: 201,
      async run(trx, { body }) {
        const inserted = await trx('${name}')
          .insert({
            ${column}: body.${id},
            name: body.name,
          })
          .onConflict()
          .ignore()
          .returning('*')
        const already = \`there is a ${noun} "\${body.${id}}" already\`
        if (inserted.length === 0) throw conflict('${noun}_exists', already)
        // The row and its event are of one transaction: both or neither.
        await publish(trx, ${event}, body)
        return body
      },
    })
  },
}
`

const testText = ({ name, noun, topic, event, id, type }: Names) => `\
import { event } from 'tributary/testing'
import { type ScratchService, scratchService } from 'tributary/testing/service'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ${topic} } from '#schemas/topics.ts'
import { service } from './service.ts'

let scratch: ScratchService
beforeAll(async () => {
  scratch = await scratchService(service)
})
afterAll(() => scratch?.stop())

test('adding a ${noun} says so, once', async () => {
  const added = { ${id}: ${type === 'string' ? `'${noun}-1'` : 7}, name: 'a name' }
  expect(await scratch.post('/${name}', added)).toMatchObject({ status: 201 })
  expect(await scratch.post('/${name}', added)).toMatchObject({ status: 409, body: { code: '${noun}_exists' } })
  expect(await scratch.published()).toEqual([event(${topic}, '${event}', '${type === 'string' ? `${noun}-1` : 7}', added)])
})
`
