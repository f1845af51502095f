import type { Changes } from './changes.ts'
import { importing } from './imports.ts'
import { insert, listOf } from './insert.ts'
import { checkEventName, checkServiceName, pascal, singular } from './names.ts'
import { addTo, findPlace } from './places.ts'
import { Refused } from './refused.ts'
import { addRecord, RULES } from './schemas.ts'
import { boundNames, jsonOf, type Placed, property, propertyNames, statementsOf } from './syntax.ts'
import { addEventsTopic, declaredTopics } from './topics.ts'

const VALUES = 'schemas/values.ts'

/**
 * A service with one table and one command, which publishes one event. Throws `Refused`.
 * @param event its event; `<One>Added` unless told
 * @returns what to do next
 */
export function addService(
  changes: Changes,
  name: string,
  { event }: { readonly event?: string | undefined },
): string[] {
  checkServiceName(name)
  const noun = singular(name)
  const names: Names = { name, noun, topic: pascal(name), event: event ?? `${pascal(noun)}Added`, id: `${noun}Id` }
  checkEventName(names.event)
  const services = findPlace(changes, 'services')?.node
  const there = services?.type === 'ObjectExpression' ? propertyNames(services) : []
  if (there.includes(name)) throw new Refused(`there is a service "${name}" already`)
  if (declaredTopics(changes).events.some(({ service }) => service === name)) {
    throw new Refused(`schemas/topics.ts declares a topic of a service "${name}" already`)
  }
  const folder = `producers/${name}`
  if (changes.list(folder, '').length > 0) throw new Refused(`${folder} is there already: choose another name`)

  const { id, topic } = names
  addRule(changes, id, noun)
  addRecord(changes, `events/${name}`, {
    name: names.event,
    doc: `A new ${noun}.`,
    fields: [
      { name: id, type: 'string' },
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
  readonly id: string
}

/** A new id is of the kind that ids are of, where the project has such a kind. */
function addRule(changes: Changes, field: string, noun: string): void {
  if (changes.find(RULES) === undefined) return
  changes.change(RULES, (text) => {
    const rules = jsonOf(RULES, text)
    if (rules.type !== 'ObjectExpression') return text
    const [kinds, fields] = [property(rules, 'kinds'), property(rules, 'fields')]
    if (kinds?.type !== 'ObjectExpression' || fields?.type !== 'ObjectExpression') return text
    if (!propertyNames(kinds).includes('id') || propertyNames(fields).includes(field)) return text
    return insert(text, listOf(fields), `"${field}": "id"`)
  })
  changes.change(RULES, (text) => {
    const rules = jsonOf(RULES, text)
    const ids = rules.type === 'ObjectExpression' ? property(rules, 'ids') : undefined
    if (ids?.type !== 'ObjectExpression' || propertyNames(ids).includes(field)) return text
    return insert(text, listOf(ids as Placed<typeof ids>), `"${field}": "${noun}"`)
  })
}

/**
 * What requests may say of the new thing, beside what others may say of theirs, where the project's rules know ids and names.
 * @returns whether they are there now
 */
function addValues(changes: Changes, { id, noun }: Names): boolean {
  if (changes.find(VALUES) === undefined || changes.find(RULES) === undefined) return false
  const rules = jsonOf(RULES, changes.read(RULES))
  const kinds = rules.type === 'ObjectExpression' ? property(rules, 'kinds') : undefined
  const known = kinds?.type === 'ObjectExpression' ? propertyNames(kinds) : []
  if (!known.includes('id') || !known.includes('name')) return false
  const values = { [id]: `text('id', { of: '${noun}' })`, name: "text('name')" }
  changes.change(VALUES, (before) => {
    const there = boundNames(statementsOf(VALUES, before))
    const missing = Object.entries(values).filter(([name]) => !there.has(name))
    const lines = missing.map(([name, value]) => `export const ${name} = ${value}\n`)
    return `${importing(VALUES, before, 'text', 'tributary/service').trimEnd()}\n${lines.join('')}`
  })
  return true
}

const serviceText = ({ name, noun, topic, event, id }: Names, values: boolean) => `\
import { publish, publishes } from 'tributary/outbox'
import { conflict, type ServiceDefinition } from 'tributary/service'
import { z } from 'zod'
import { ${event} } from '#schemas/contracts.generated.ts'
import { ${topic} } from '#schemas/topics.ts'
${values ? `import { ${[id, 'name'].sort().join(', ')} } from '#schemas/values.ts'\n` : `\nconst ${id} = z.string().min(1).max(400)\nconst name = z.string().min(1).max(400)\n`}
export const service: ServiceDefinition = {
  name: '${name}',
  description: '${pascal(name)}.',
  migrations: [
    {
      name: '${name}/001_${name}',
      up: (db) =>
        db.schema.createTable('${name}', (table) => {
          table.text('${noun}_id').primary()
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
      key: ['${noun}_id'],
      async rebuild(trx, row: { ${noun}_id: string; name: string }) {
        await publish(trx, ${event}, {
          ${id}: row.${noun}_id,
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
            ${noun}_id: body.${id},
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

const testText = ({ name, noun, topic, event, id }: Names) => `\
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
  const added = { ${id}: '${noun}-1', name: 'a name' }
  expect(await scratch.post('/${name}', added)).toMatchObject({ status: 201 })
  expect(await scratch.post('/${name}', added)).toMatchObject({ status: 409, body: { code: '${noun}_exists' } })
  expect(await scratch.published()).toEqual([event(${topic}, '${event}', '${noun}-1', added)])
})
`
