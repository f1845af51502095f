import { expect, test } from 'vitest'
import { orders, readModels, sales } from '../../../sinks/read-models/index.ts'
import { compileIndex, definitionHash } from './mapping.ts'
import type { ReadModel } from './read-model.ts'

// biome-ignore lint/suspicious/noExplicitAny: a mapping is looked into by name
const propertiesOf = (model: ReadModel) => compileIndex(model).mappings.properties as Record<string, any>

test('every read model has a strict mapping of the fields of its row, and the delete marker', () => {
  for (const model of readModels) {
    const fields = (model.topic.row.schema.fields as { name: string }[]).map(({ name }) => name)
    expect(compileIndex(model).mappings.dynamic).toBe('strict')
    expect(Object.keys(propertiesOf(model))).toEqual([...fields, 'deleted'])
  }
})

test('Avro types become the types that reports need', () => {
  expect(propertiesOf(orders)).toMatchObject({
    orderId: { type: 'keyword', ignore_above: 10_922 },
    purchasedAt: { type: 'date' },
    totalCents: { type: 'long' },
    itemCount: { type: 'integer' },
    late: { type: 'boolean' },
    customer: { dynamic: 'strict', properties: { zip: { type: 'keyword' } } },
    items: { type: 'nested', dynamic: 'strict', properties: { priceCents: { type: 'long' } } },
  })
  expect(propertiesOf(sales).day).toEqual({ type: 'date', format: 'strict_date' })
})

test('a hint adds to what a field has: a text too long for a term is still no reason to refuse a document', () => {
  expect(propertiesOf(orders).customer.properties.city).toMatchObject({
    type: 'keyword',
    ignore_above: 10_922,
    fields: { words: { type: 'text' } },
  })
})

test('a hint at a field the row does not have is a fault', () => {
  expect(() => compileIndex({ ...sales, hints: { dya: { type: 'date' } } })).toThrow('dya')
})

test('the hash follows the definition: it changes with a hint and not with a comment', () => {
  const commented = { ...sales.topic.row, schema: { ...sales.topic.row.schema, doc: 'other words' } }
  expect(definitionHash({ ...sales, topic: { ...sales.topic, row: commented } })).toBe(definitionHash(sales))
  expect(definitionHash({ ...sales, hints: {} })).not.toBe(definitionHash(sales))
})
