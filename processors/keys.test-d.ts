import type { Id } from 'tributary/contracts'
import { topology } from 'tributary/engine'
import { drive } from 'tributary/testing'
import { categoryKey, productKey, sellerKey } from '#schemas/keys.ts'
import { Catalog, CustomerRows, Customers, OrderRows, Orders, SellerRows } from '#schemas/topics.ts'

/**
 * Which tables of this business can't be joined: `tsc` complains when the line below a `@ts-expect-error` is fine.
 */
interface Order {
  readonly customerId: Id<'customer'>
  readonly status: string
  readonly productId: Id<'product'>
  readonly sellerId: Id<'seller'>
}

export const keys = topology('keys', ({ events, table, combine }) => {
  const orders = events(Orders)
    .only('OrderPlaced')
    .evolve<Order>({
      OrderPlaced: (_, { customerId, items: [item] }) => item && { ...item, customerId, status: 'created' },
    })
  const customers = events(Customers)
    .only('CustomerRegistered')
    .evolve<{ city: string }>({ CustomerRegistered: (_, { city }) => ({ city }) })
  const products = events(Catalog)
    .only('ProductListed')
    .evolve<{ category: string | null }>({ ProductListed: (_, { category }) => ({ category }) })

  orders.leftJoin(customers, { on: (order) => order.customerId, select: (order, customer) => [order, customer?.city] })
  // @ts-expect-error a status is no customer
  orders.leftJoin(customers, { on: (order) => order.status, select: (order) => order })
  // @ts-expect-error nor is a seller
  orders.join(customers, { on: (order) => order.sellerId, select: (order) => order })
  // @ts-expect-error orders and customers have different keys
  orders.leftJoin(customers, { select: (order) => order })
  // @ts-expect-error also where they are combined
  combine({ orders, customers }, (parts) => parts)

  // The catalog's topic has three kinds of things, each with keys of its own.
  orders.leftJoin(products, { on: (order) => productKey(order.productId), select: (order) => order })
  // @ts-expect-error a seller isn't a product
  orders.leftJoin(products, { on: (order) => sellerKey(order.sellerId), select: (order) => order })
  // @ts-expect-error nor is a category
  orders.leftJoin(products, { on: (order) => categoryKey(order.status), select: (order) => order })
  // @ts-expect-error and a product's key is made of a product's id
  orders.leftJoin(products, { on: (order) => productKey(order.sellerId), select: (order) => order })

  const byStatus = orders.groupBy((order) => order.status).summarise((a) => ({ orders: a.count() }))
  const byCustomer = orders.groupBy((order) => order.customerId).summarise((a) => ({ orders: a.count() }))
  customers.leftJoin(byCustomer, { select: (customer, of) => ({ ...customer, orders: of?.orders ?? 0 }) })
  // @ts-expect-error groups by status are of no customer
  customers.leftJoin(byStatus, { select: (customer) => customer })

  // Read models are keyed by what their rows say.
  table(OrderRows).outerJoin(orders, { select: (row, order) => row?.status ?? order?.status })
  // @ts-expect-error a person isn't a seller
  table(CustomerRows).leftJoin(table(SellerRows), { select: (person) => person })

  return table(OrderRows).to(OrderRows)
})

// What a test gives may be plain, but not the id of something else.
const driven = drive(keys)
const moved = { zip: '01000', city: 'sao paulo', state: 'SP' }
driven.pipe(Customers, { key: 'c1', name: 'CustomerMoved', data: { customerId: 'c1', ...moved } })
declare const sellerId: Id<'seller'>
// @ts-expect-error a customer isn't named by a seller's id
driven.pipe(Customers, { key: 'c1', name: 'CustomerMoved', data: { customerId: sellerId, ...moved } })
