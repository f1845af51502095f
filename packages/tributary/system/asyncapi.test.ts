import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { expect, test } from 'vitest'
import { asyncApiOf } from './asyncapi.ts'
import { catalogueOf } from './catalogue.ts'
import { system } from './testing/birds.ts'

/** The official schema, with those of the formats and bindings it refers to in it. */
const official = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json')
// Draft 7, in which formats are notes; the schema brings draft 7's own with it.
const valid = new Ajv({ strict: false, validateFormats: false, meta: false, validateSchema: false }).compile(official)
const document = asyncApiOf(catalogueOf(system)) as {
  channels: Record<string, { messages: Record<string, { $ref: string }> }>
  operations: Record<string, { action: string; channel: { $ref: string } }>
  components: { messages: Record<string, { payload: unknown; traits?: { $ref: string }[] }> }
}

test('it is an AsyncAPI 3 document by the official schema', () => {
  valid(document)
  expect(valid.errors ?? []).toEqual([])
})

test('the official schema refuses what is not one', () => {
  expect(valid({ ...document, operations: { x: { action: 'shout', channel: { $ref: '#/channels/x' } } } })).toBe(false)
})

test('every topic is a channel, and everybody who writes or reads it an operation', () => {
  expect(Object.keys(document.channels)).toEqual(['birds.events', 'bees.events', 'sightings.rows.1'])
  expect(Object.entries(document.operations).map(([id, { action, channel }]) => [id, action, channel.$ref])).toEqual([
    ['birds-send-birds.events', 'send', '#/channels/birds.events'],
    ['bees-send-bees.events', 'send', '#/channels/bees.events'],
    ['bees-receive-birds.events', 'receive', '#/channels/birds.events'],
    ['topology-sightings-receive-birds.events', 'receive', '#/channels/birds.events'],
    ['topology-sightings-send-sightings.rows.1', 'send', '#/channels/sightings.rows.1'],
    ['sink-receive-sightings.rows.1', 'receive', '#/channels/sightings.rows.1'],
  ])
})

test('every reference leads to something', () => {
  const references = JSON.stringify(document).match(/#\/[^"]+/g)!
  for (const reference of new Set(references)) {
    const found = reference
      .slice(2)
      .split('/')
      .reduce((at, name) => (at as Record<string, unknown>)?.[name], document as unknown)
    expect(found, reference).toBeDefined()
  }
})
