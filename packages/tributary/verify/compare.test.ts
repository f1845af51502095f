import { expect, test } from 'vitest'
import { addTo, difference, differingFields, noTotals } from './compare.ts'
import { describe } from './report.ts'

const document = { orderId: 'o1', totalCents: 100, items: [{ itemNo: 1, priceCents: 100 }] }

test('equal documents are no difference, whatever the order of their fields', () => {
  expect(difference('o1', document, { items: document.items, totalCents: 100, orderId: 'o1' })).toBeUndefined()
})

test('a missing, an extra and a changed document are told apart', () => {
  expect(difference('o1', document, undefined)).toMatchObject({ kind: 'missing' })
  expect(difference('o1', undefined, document)).toMatchObject({ kind: 'extra' })
  expect(difference('o1', document, { ...document, totalCents: 101 })).toMatchObject({ kind: 'changed' })
})

test('null is not the same as left out, and items count in their order', () => {
  expect(difference('o1', document, { ...document, late: null })).toMatchObject({ kind: 'changed' })
  const [a, b] = [{ itemNo: 1 }, { itemNo: 2 }]
  expect(difference('o1', { items: [a, b] }, { items: [b, a] })).toMatchObject({ kind: 'changed' })
})

test('differing fields are named by path', () => {
  const other = { ...document, late: true, items: [{ itemNo: 1, priceCents: 99 }] }
  expect(differingFields(document, other)).toEqual(['items[0].priceCents', 'late'])
})

test('totals add up the fields that are named, and nothing else', () => {
  const totals = noTotals()
  const fields = ['totalCents', 'itemCount', 'lateOrders']
  addTo(totals, { totalCents: 100, itemCount: 2, reviewScore: 5, deliveryDays: 3, averageScore: 4.5 }, fields)
  addTo(totals, { totalCents: -30, itemCount: 1, reviewScore: 1, lateOrders: 1 }, fields)
  expect(totals).toEqual({ documents: 2, sums: { totalCents: 70n, itemCount: 3n, lateOrders: 1n } })
})

test('the report shows both sides of the first differences, and totals as money', () => {
  const expected = { documents: 2, sums: { totalCents: 123_456_789n } }
  const found = { documents: 1, sums: { totalCents: 5n } }
  const text = describe([
    {
      readModel: 'orders',
      expected,
      found,
      differedAtFirst: 1,
      differences: [{ key: 'o1', kind: 'missing', expected: document }],
      setAside: [],
    },
  ])
  expect(text).toContain('orders: 1 DIFFERENT')
  expect(text).toContain('1,234,567.89')
  expect(text).toContain('o1 is missing')
  expect(text).toContain('(nothing)')
  expect(text).toMatch(/ 0\.05/)
})

test('numbers beyond the exact integers are never the same, however alike they were rounded', () => {
  const beyond = { orderId: 'o1', totalCents: 2 ** 53 }
  expect(difference('o1', beyond, { ...beyond })).toMatchObject({ kind: 'changed' })
  expect(differingFields(beyond, { ...beyond })).toEqual(['totalCents'])
})

test('totals are exact however many documents there are', () => {
  const totals = noTotals()
  for (const totalCents of [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 2])
    addTo(totals, { totalCents }, ['totalCents'])
  expect(totals.sums.totalCents).toBe(2n ** 54n)
})
