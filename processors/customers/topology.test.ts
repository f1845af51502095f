import { drive } from 'tributary/testing'
import { expect, test } from 'vitest'
import { CustomerRows, OrderRows } from '#schemas/topics.ts'
import { orderRowOf } from '../testing/given.ts'
import { customersTopology } from './topology.ts'

const customer = (customerId: string, uniqueId: string | null, state: string | null = 'SP') => ({
  customerId,
  uniqueId,
  state,
  city: null,
  zip: null,
})

test('a person has the orders of all of their customer ids', () => {
  const customers = drive(customersTopology)
  const first = { purchasedAt: 1_000, paidCents: 300, reviewScore: 5, status: 'canceled' }
  customers.pipe(OrderRows, orderRowOf({ orderId: 'o1', customer: customer('c1', 'u1', 'SP'), ...first }))
  const second = { purchasedAt: 5_000, paidCents: 200, reviewScore: 2 }
  customers.pipe(OrderRows, orderRowOf({ orderId: 'o2', customer: customer('c2', 'u1', 'MG'), ...second }))
  customers.pipe(OrderRows, orderRowOf({ orderId: 'o3', customer: customer('c3', 'u1', 'SP'), purchasedAt: 3_000 }))
  expect(customers.table(CustomerRows).get('u1')).toEqual({
    uniqueId: 'u1',
    orders: 3,
    spentCents: 500,
    firstOrderAt: 1_000,
    lastOrderAt: 5_000,
    averageScore: 3.5,
    states: ['MG', 'SP'],
  })
})

test('an order whose customer turns out to be another person goes over to them', () => {
  const customers = drive(customersTopology)
  customers.pipe(OrderRows, orderRowOf({ orderId: 'o1', customer: customer('c1', 'u1') }))
  customers.pipe(OrderRows, orderRowOf({ orderId: 'o1', customer: customer('c1', 'u2') }))
  expect([...customers.table(CustomerRows).keys()]).toEqual(['u2'])
})

test('a person without any score has no average', () => {
  const customers = drive(customersTopology)
  customers.pipe(OrderRows, orderRowOf({ orderId: 'o1', customer: customer('c1', 'u1') }))
  expect(customers.table(CustomerRows).get('u1')?.averageScore).toBeNull()
})

test('an order of a customer who is not known yet counts for nobody', () => {
  const customers = drive(customersTopology)
  customers.pipe(OrderRows, orderRowOf({ orderId: 'o1', customer: customer('c1', null, null) }))
  expect(customers.table(CustomerRows).size).toBe(0)
})
