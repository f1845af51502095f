import { drive } from 'tributary/testing'
import { expect, test } from 'vitest'
import { Catalog, OrderRows, SellerRows } from '#schemas/topics.ts'
import { itemOf, orderRowOf, sellerJoined, sellerMoved } from '../testing/given.ts'
import { sellersTopology } from './topology.ts'

const zeros = { orders: 0, items: 0, revenueCents: 0, freightCents: 0, lateOrders: 0, averageScore: null }

test('every seller has a row, also with zeros, where they are now', () => {
  const sellers = drive(sellersTopology)
  sellers.pipe(Catalog, sellerJoined({ sellerId: 's1', city: 'campinas', state: 'SP' }))
  expect(sellers.table(SellerRows).get('s1')).toEqual({ sellerId: 's1', city: 'campinas', state: 'SP', ...zeros })
  sellers.pipe(Catalog, sellerMoved({ sellerId: 's1', city: 'niteroi', state: 'RJ' }))
  expect(sellers.table(SellerRows).get('s1')).toMatchObject({ city: 'niteroi', state: 'RJ' })
})

test('a seller counts each order once, with the items of their own', () => {
  const sellers = drive(sellersTopology)
  sellers.pipe(Catalog, sellerJoined({ sellerId: 's1' }))
  const items = [itemOf(), itemOf({ itemNo: 2, priceCents: 1 }), itemOf({ itemNo: 3, sellerId: 's2' })]
  sellers.pipe(OrderRows, orderRowOf({ orderId: 'o1', items, late: true, reviewScore: 1 }))
  sellers.pipe(OrderRows, orderRowOf({ orderId: 'o2', items: [itemOf()], late: false, reviewScore: 4 }))
  expect(sellers.table(SellerRows).get('s1')).toMatchObject({
    orders: 2,
    items: 3,
    revenueCents: 2_001,
    freightCents: 300,
    lateOrders: 1,
    averageScore: 2.5,
  })
})

test('an order that is canceled leaves its sellers', () => {
  const sellers = drive(sellersTopology)
  sellers.pipe(OrderRows, orderRowOf({ orderId: 'o1', items: [itemOf()], late: true, reviewScore: 1 }))
  sellers.pipe(Catalog, sellerJoined({ sellerId: 's1' }))
  expect(sellers.table(SellerRows).get('s1')).toMatchObject({ orders: 1, lateOrders: 1 })
  sellers.pipe(
    OrderRows,
    orderRowOf({ orderId: 'o1', items: [itemOf()], late: true, reviewScore: 1, status: 'canceled' }),
  )
  expect(sellers.table(SellerRows).get('s1')).toMatchObject(zeros)
})

test('a seller nobody has heard of has no row, whatever was sold', () => {
  const sellers = drive(sellersTopology)
  sellers.pipe(OrderRows, orderRowOf({ orderId: 'o1', items: [itemOf()] }))
  expect(sellers.table(SellerRows).size).toBe(0)
})
