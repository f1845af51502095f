import { expect, test } from 'vitest'
import { avroType } from '#contracts/codec'
import { catalogueOf, catalogueText } from './catalogue.ts'
import { system } from './testing/birds.ts'

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
  expect(services.map(({ subscribesTo }) => subscribesTo)).toEqual([[], ['birds.events']])
  expect(topologies).toMatchObject([{ name: 'sightings', reads: ['birds.events'], writes: ['sightings.rows.1'] }])
  expect(readModels).toMatchObject([{ name: 'sightings', topic: 'sightings.rows.1', readBy: [] }])
})

test('each record has an example that its schema takes', () => {
  const { services } = catalogueOf(system)
  const { schema, example } = services[0]!.events[0]!
  expect(example).toEqual({ id: 'id', at: 1_767_323_045_000 })
  expect(avroType(schema).isValid({ id: 'id', at: 1_767_323_045_000 })).toBe(true)
})

test('as a text it is Markdown, with a diagram for each topology and no cell broken by what a schema says', () => {
  const text = catalogueText(catalogueOf(system))
  expect(text).toContain('Publishes `birds.events`, read by bees.inbox, topology sightings.')
  expect(text).toContain('Publishes `bees.events`, read by nobody.')
  expect(text).toContain('```mermaid\nflowchart LR')
  expect(text).toContain('| id | string | Of the bird \\| or the bee. |')
})
