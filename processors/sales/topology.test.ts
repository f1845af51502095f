import { drive } from 'tributary/testing'
import { expect, test } from 'vitest'
import { OrderRows, SalesRows } from '#schemas/topics.ts'
import { itemOf, orderRowOf } from '../testing/given.ts'
import { salesTopology } from './topology.ts'

const DAY = '2018-08-07|SP|toys'
const order = (orderId: string, more: Partial<Parameters<typeof orderRowOf>[0]> = {}) =>
  orderRowOf({ orderId, items: [itemOf()], ...more })

test('sales count distinct orders, their items, prices and freight', () => {
  const sales = drive(salesTopology)
  sales.pipe(OrderRows, order('o1', { items: [itemOf(), itemOf({ itemNo: 2, priceCents: 500, freightCents: 7 })] }))
  sales.pipe(OrderRows, order('o2'))
  expect(sales.table(SalesRows)).toEqual(
    new Map([
      [
        DAY,
        {
          day: '2018-08-07',
          state: 'SP',
          category: 'toys',
          orders: 2,
          items: 3,
          revenueCents: 2_500,
          freightCents: 207,
        },
      ],
    ]),
  )
})

test.each(['canceled', 'unavailable'])('an order that turns %s leaves the sales of its day', (status) => {
  const sales = drive(salesTopology)
  sales.pipe(OrderRows, order('o1'))
  expect(sales.table(SalesRows).size).toBe(1)
  sales.pipe(OrderRows, order('o1', { status }))
  expect(sales.table(SalesRows)).toEqual(new Map())
})

test('an order whose item is categorised anew moves from one category to the other', () => {
  const sales = drive(salesTopology)
  sales.pipe(OrderRows, order('o1'))
  sales.pipe(OrderRows, order('o1', { items: [itemOf({ category: 'books' })] }))
  expect([...sales.table(SalesRows).keys()]).toEqual(['2018-08-07|SP|books'])
})

test('an order whose customer is not known counts for the state unknown', () => {
  const sales = drive(salesTopology)
  const customer = { customerId: 'c1', uniqueId: null, city: null, state: null, zip: null }
  sales.pipe(OrderRows, order('o1', { customer }))
  expect([...sales.table(SalesRows).keys()]).toEqual(['2018-08-07|unknown|toys'])
})

test('the day is that of UTC', () => {
  const sales = drive(salesTopology)
  sales.pipe(OrderRows, order('o1', { purchasedAt: Date.parse('2018-08-07T23:59:59.999Z') }))
  sales.pipe(OrderRows, order('o2', { purchasedAt: Date.parse('2018-08-08T00:00:00Z') }))
  expect([...sales.table(SalesRows).keys()].sort()).toEqual([DAY, '2018-08-08|SP|toys'])
})

test('an order without items sells nothing', () => {
  const sales = drive(salesTopology)
  sales.pipe(OrderRows, orderRowOf({ orderId: 'o1' }))
  expect(sales.table(SalesRows).size).toBe(0)
})
