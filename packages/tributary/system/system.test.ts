import { expect, test } from 'vitest'
import { contract } from '#contracts/contract'
import { eventsTopic, rowsTopic } from '#contracts/topic'
import { topology } from '#engine'
import { paces, readModel } from '#read-models/read-model'
import system from '../../../tributary.config.ts'
import type { SystemDefinition } from './definition.ts'
import { defineSystem } from './system.ts'

test('the way to each read model follows from its topology', () => {
  const inputs = (readModel: string) => [...system.stages.find((stage) => stage.readModel === readModel)!.inputs].sort()
  expect(system.stages.map(({ readModel, group, output, hops }) => [readModel, group, output, hops])).toEqual([
    ['orders', 'processor-orders', 'orders.rows.1', 4],
    ['sales', 'processor-sales', 'sales.rows.1', 2],
    ['customers', 'processor-customers', 'customers.rows.1', 2],
    ['sellers', 'processor-sellers', 'sellers.rows.1', 2],
  ])
  expect(inputs('orders')).toEqual([...system.domainTopics.values()].map(({ name }) => name).sort())
  expect(inputs('sellers')).toEqual(['catalog.events', 'orders.rows.1'])
})

test('every service is what the definition says of it', async () => {
  for (const name of system.services) expect((await system.loadService(name)).name).toBe(name)
  expect([...system.subscriptions]).toEqual([
    ['orders.inbox', ['payments.events', 'shipping.events']],
    ['payments.inbox', ['orders.events']],
    ['shipping.inbox', ['orders.events']],
  ])
})

const Happened = contract<{ id: string }>({
  type: 'record',
  namespace: 'test',
  name: 'Happened',
  fields: [{ name: 'id', type: 'string' }],
})
const A = eventsTopic('a', { Happened })
const Rows = rowsTopic('things', 1, Happened, ({ id }) => id)
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

test('all faults of a definition are named at once, each with its place', () => {
  const B = eventsTopic('b', { Happened })
  const definition: SystemDefinition = {
    services: { a: service(), 'A-b': { ...service(B), subscribesTo: [eventsTopic('nobody', { Happened })] } },
    topologies: [
      { topology: things('one') },
      { topology: things('two', eventsTopic('gone', { Happened })), paceMs: -1 },
    ],
    readModels: [
      readModel(
        rowsTopic('unwritten', 1, Happened, ({ id }) => id),
        { pace: paces.rows },
      ),
    ],
    verify: {
      tables: sql,
      copied: [{ service: 'c', table: 'things', columns: 'id' }],
      readModels: { things: { sql, of: ['d'] } },
    },
    reports: [],
    demo: { command: ['play'], says: 'a play', unless: { service: 'e', table: 'acts' } },
  }
  const faults = () => defineSystem(definition)
  expect(faults).toThrow('services.A-b: a name has at most 40 letters a to z and digits, the first a letter')
  expect(faults).toThrow('services.A-b.publishes: the topic "b.events" is that of "b"')
  expect(faults).toThrow('services.A-b.subscribesTo: no service publishes on "nobody.events"')
  expect(faults).toThrow('topologies[1] (two): "things.rows.1" is written by topologies[0] (one), too')
  expect(faults).toThrow('topologies[1] (two).paceMs: must be a number of ms')
  expect(faults).toThrow('topologies[1] (two): nobody here writes to "gone.events", which it reads')
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
