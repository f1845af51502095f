import { expect, test } from 'vitest'
import { contract } from '#contracts/contract'
import { eventsTopic, rowsTopic } from '#contracts/topic'
import { topology } from '#engine'
import { paces, readModel } from '#read-models/read-model'
import { shapeOf } from '#stack/shape'
import { catalogueOf } from './catalogue.ts'
import type { SystemDefinition } from './definition.ts'
import { defineSystem } from './system.ts'

const Happened = contract<{ id: string }>({
  type: 'record',
  namespace: 'test',
  name: 'Happened',
  fields: [{ name: 'id', type: 'string' }],
})
const A = eventsTopic('a', { Happened })
const Rows = rowsTopic('things', Happened, { key: ({ id }) => id })
const things = (name: string, from = A) =>
  topology(name, ({ events }) =>
    events(from)
      .evolve<{ id: string }>({ Happened: (_, { id }) => ({ id }) })
      .to(Rows),
  )
const service = (publishes = A) => ({ publishes, load: () => Promise.reject(new Error('not loaded')) })
const sql = new URL('file:///none.sql')
const verification = (...names: string[]) => ({
  tables: sql,
  copied: [{ service: 'a', table: 'things', columns: 'id' }],
  readModels: Object.fromEntries(names.map((name) => [name, { sql, of: ['a'] }])),
})
const sound: SystemDefinition = {
  services: { a: service() },
  topologies: [{ topology: things('things') }],
  readModels: [readModel(Rows, { pace: paces.rows })],
  verify: verification('things'),
  reports: [],
}

test('a sound definition is taken, and no service is loaded for that', () => {
  expect(defineSystem(sound).topics.map(({ name }) => name)).toEqual([
    'a.events',
    'things.rows.1',
    'processor-things.dead-letters',
    'sink.dead-letters',
  ])
})

test('the way to a read model follows from its topology, and what a service is told of from its subscriptions', () => {
  const B = eventsTopic('b', { Happened })
  const { stages, subscriptions, subscribers } = defineSystem({
    ...sound,
    services: { a: service(), b: { ...service(B), subscribesTo: [A] } },
  })
  expect(stages).toEqual([
    { readModel: 'things', group: 'processor-things', inputs: ['a.events'], output: 'things.rows.1', hops: 1 },
  ])
  expect(subscribers).toEqual(['b'])
  expect([...subscriptions]).toEqual([['b.inbox', ['a.events']]])
})

test('a service that runs elsewhere has topic, database and connector, and no process; the catalogue names it as a reader', () => {
  const B = eventsTopic('b', { Happened })
  const system = defineSystem({
    ...sound,
    services: { a: service(), b: { ...service(B), subscribesTo: [A], runs: 'elsewhere' } },
  })
  expect(system.topics.map(({ name }) => name)).toContain('b.events')
  // Nobody here follows its group, and its dead letters are its own.
  expect([system.subscribers, [...system.subscriptions]]).toEqual([[], []])
  expect(system.topics.map(({ name }) => name)).not.toContain('b.inbox.dead-letters')
  expect(catalogueOf(system).services[0]!.readBy).toContain('b.inbox')
  const { processes, secretNames } = shapeOf(system)
  expect(processes.filter(({ kind }) => kind === 'service').map(({ name }) => name)).toEqual(['a'])
  expect(processes.find(({ name }) => name === 'connect')!.secrets).toContain('B_CONNECTOR_PASSWORD')
  expect(secretNames).toContain('B_DB_PASSWORD')
})

test('what isn’t said of the report page is as usual; what is said is taken', () => {
  const { title, language, timeZone, documents } = defineSystem(sound)
  expect({ title, language, timeZone, documents }).toEqual({
    title: 'tributary',
    language: 'en',
    timeZone: 'UTC',
    documents: [],
  })
  const said = { title: 'Things', language: 'pt-BR', timeZone: 'America/Sao_Paulo', currency: 'BRL' }
  expect(defineSystem({ ...sound, ...said })).toMatchObject(said)
})

test('all faults of a definition are named at once, each with its place', () => {
  const B = eventsTopic('b', { Happened })
  const definition: SystemDefinition = {
    services: { a: service(), 'A-b': { ...service(B), subscribesTo: [eventsTopic('nobody', { Happened })] } },
    topologies: [
      { topology: things('one') },
      { topology: things('two', eventsTopic('gone', { Happened })), paceMs: -1 },
    ],
    readModels: [readModel(rowsTopic('unwritten', Happened, { key: ({ id }) => id }), { pace: paces.rows })],
    verify: {
      tables: sql,
      copied: [{ service: 'c', table: 'things', columns: 'id' }],
      readModels: { things: { sql, of: ['d'] } },
    },
    reports: [],
    documents: [{ readModel: 'none' }],
    language: '?',
    timeZone: 'Mars/Olympus',
    currency: 'XYZ',
    demo: { command: ['play'], says: 'a play', unless: { service: 'e', table: 'acts' } },
  }
  const faults = () => defineSystem(definition)
  expect(faults).toThrow('services.A-b: a name has at most 40 letters a to z and digits, the first a letter')
  expect(faults).toThrow('services.A-b.publishes: the topic "b.events" is that of "b"')
  expect(faults).toThrow('services.A-b.subscribesTo: no service publishes on "nobody.events"')
  expect(faults).toThrow('topologies[1] (two): "things.rows.1" is written by topologies[0] (one), too')
  expect(faults).toThrow('topologies[1] (two).paceMs: must be a number of ms')
  expect(faults).toThrow('topologies[1] (two): nobody here writes to "gone.events", which it reads')
  expect(faults).toThrow('language: "?" is not a BCP 47 tag')
  expect(faults).toThrow('timeZone: "Mars/Olympus" is not a time zone')
  expect(faults).toThrow('currency: "XYZ" is not an ISO 4217 code')
  expect(faults).toThrow('documents[0] (none): there is no read model "none"')
  expect(faults).toThrow('demo.unless: there is no service "e"')
  expect(faults).toThrow('verify.copied: table "things" is of "c", and there is no such service')
  expect(faults).toThrow('verify.readModels.things.of: there is no service "d"')
  expect(faults).toThrow('verify.readModels: "unwritten" is missing: how is it recomputed?')
  expect(faults).toThrow('readModels[0] (unwritten): no topology writes to its topic "unwritten.rows.1"')
})

test('a service that isn’t what the definition says is refused when it is loaded', async () => {
  const other = { name: 'b', description: '', migrations: [], publishes: {} as never, subscriptions: [], routes() {} }
  const named = defineSystem({ ...sound, services: { a: { ...service(), load: async () => ({ service: other }) } } })
  await expect(named.loadService('a')).rejects.toThrow('services.a loads a service that is named "b"')
  const silent = { ...other, name: 'a', subscriptions: [{ topic: A, handlers: new Map() }] }
  const subscribing = defineSystem({
    ...sound,
    services: { a: { ...service(), load: async () => ({ service: silent }) } },
  })
  await expect(subscribing.loadService('a')).rejects.toThrow(
    'services.a.subscribesTo says nothing, the service subscribes to a.events',
  )
})
