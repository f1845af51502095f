import { expect, test } from 'vitest'
import { orders, sellers } from '../../../sinks/read-models/index.ts'
import { sampleRows } from '../../../sinks/testing/sample.ts'
import { compileDocument } from './document.ts'

const toDocument = compileDocument(orders.topic.row.schema)
const [row] = sampleRows(1).orders

test('instants become ISO 8601 in UTC, also inside arrays', () => {
  const document = toDocument({ ...row, purchasedAt: Date.UTC(2018, 7, 7, 10, 0, 0, 5) }) as {
    purchasedAt: string
    items: { shipBy: string }[]
  }
  expect(document.purchasedAt).toBe('2018-08-07T10:00:00.005Z')
  expect(document.items[0]!.shipBy).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

test('what is not known is left out, at the top and inside', () => {
  const document = toDocument({
    ...row,
    status: null,
    deliveredAt: null,
    late: null,
    customer: { customerId: 'c', uniqueId: null, city: null, state: null, zip: null },
  })
  expect(document).not.toHaveProperty('status')
  expect(document).not.toHaveProperty('deliveredAt')
  expect(document).not.toHaveProperty('late')
  expect(document.customer).toEqual({ customerId: 'c' })
})

test('empty arrays and zeros stay', () => {
  const document = toDocument({ ...row, items: [], payments: [], itemCount: 0, paidCents: 0, late: false })
  expect(document).toMatchObject({ items: [], payments: [], itemCount: 0, paidCents: 0, late: false })
})

test('fields stand in the order of the schema', () => {
  const fields = (orders.topic.row.schema.fields as { name: string }[]).map(({ name }) => name)
  const named = Object.keys(toDocument(row))
  expect(named).toEqual(fields.filter((field) => named.includes(field)))
})

test('an instant that is no date is refused', () => {
  expect(() => toDocument({ ...row, purchasedAt: 9e15 })).toThrow(RangeError)
})

test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s is no figure of a document', (averageScore) => {
  const toSeller = compileDocument(sellers.topic.row.schema)
  const [seller] = sampleRows(1).sellers
  expect(() => toSeller({ ...seller, averageScore })).toThrow(RangeError)
})
