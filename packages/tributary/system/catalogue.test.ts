import { expect, test } from 'vitest'
import { contract } from '#contracts/contract'
import { eventsTopic, rowsTopic } from '#contracts/topic'
import { topology } from '#engine'
import { readModel } from '#read-models/read-model'
import { catalogueOf, catalogueText } from './catalogue.ts'
import { defineSystem } from './system.ts'

const at = { type: 'long', logicalType: 'timestamp-millis' }
const Seen = contract<{ id: string; at: number | null }>({
  type: 'record',
  namespace: 'test',
  name: 'Seen',
  doc: 'Somebody saw it.',
  fields: [
    { name: 'id', type: 'string', doc: 'Of the bird | or the bee.' },
    { name: 'at', type: ['null', at], default: null },
  ],
})
const Birds = eventsTopic('birds', { Seen })
const Bees = eventsTopic('bees', { Seen })
const Rows = rowsTopic('sightings', 1, Seen, ({ id }) => id)
const sql = new URL('file:///none.sql')
const load = () => Promise.reject(new Error('no service is loaded for the catalogue'))

const system = defineSystem({
  services: { birds: { publishes: Birds, load }, bees: { publishes: Bees, subscribesTo: [Birds], load } },
  topologies: [
    {
      topology: topology('sightings', ({ events }) =>
        events(Birds)
          .evolve<{ id: string; at: number | null }>({ Seen: (_, { id, at }) => ({ id, at }) })
          .to(Rows),
      ),
    },
  ],
  readModels: [readModel(Rows)],
  verify: {
    tables: sql,
    copied: [{ service: 'birds', table: 'x', columns: 'id' }],
    readModels: { sightings: { sql, of: ['birds'] } },
  },
  reports: [],
})

test('the catalogue names every event, who publishes it, and who reads it', () => {
  const { services, topologies, readModels } = catalogueOf(system)
  expect(services.map(({ name, topic, readBy }) => [name, topic, readBy])).toEqual([
    ['birds', 'birds.events', ['bees.inbox', 'topology sightings']],
    ['bees', 'bees.events', []],
  ])
  expect(services[0]!.events[0]).toMatchObject({
    name: 'Seen',
    doc: 'Somebody saw it.',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'at', type: 'null or long (timestamp-millis)' },
    ],
  })
  expect(topologies).toMatchObject([{ name: 'sightings', reads: ['birds.events'], writes: ['sightings.rows.1'] }])
  expect(readModels).toMatchObject([{ name: 'sightings', topic: 'sightings.rows.1', readBy: [] }])
})

test('as a text it is Markdown, with a diagram for each topology and no cell broken by what a schema says', () => {
  const text = catalogueText(catalogueOf(system))
  expect(text).toContain('Publishes `birds.events`, read by bees.inbox, topology sightings.')
  expect(text).toContain('Publishes `bees.events`, read by nobody.')
  expect(text).toContain('```mermaid\nflowchart LR')
  expect(text).toContain('| id | string | Of the bird \\| or the bee. |')
})
