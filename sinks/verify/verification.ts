import type { Document } from 'tributary/read-models'
import type { Verification } from 'tributary/verify'

/** The marketplace's read models, recomputed from its services' tables. */
export const verification: Verification = {
  tables: new URL('./tables.sql', import.meta.url),
  copied: [
    { service: 'customers', table: 'customers', columns: 'customer_id, unique_id, zip, city, state' },
    { service: 'catalog', table: 'products', columns: 'product_id, category' },
    { service: 'catalog', table: 'sellers', columns: 'seller_id, city, state' },
    { service: 'catalog', table: 'category_translations', columns: 'category, english' },
    {
      service: 'orders',
      table: 'orders',
      columns: 'order_id, customer_id, status, purchased_at, approved_at, estimated_at',
    },
    {
      service: 'orders',
      table: 'items',
      columns: 'order_id, item_no, product_id, seller_id, price_cents, freight_cents, ship_by',
    },
    { service: 'payments', table: 'payments', columns: 'order_id, sequence, type, installments, cents' },
    { service: 'shipping', table: 'shipments', columns: 'shipment_id, order_id, status, shipped_at, delivered_at' },
    { service: 'reviews', table: 'reviews', columns: 'order_id, review_id, score, created_at, answered_at' },
  ],
  readModels: {
    orders: {
      sql: new URL('./orders.sql', import.meta.url),
      of: ['orders', 'customers', 'catalog', 'payments', 'shipping', 'reviews'],
      totals: ['itemCount', 'itemsCents', 'freightCents', 'totalCents', 'paidCents', 'balanceCents'],
    },
    sales: {
      sql: new URL('./sales.sql', import.meta.url),
      of: ['orders', 'customers', 'catalog'],
      totals: ['orders', 'items', 'revenueCents', 'freightCents'],
    },
    customers: {
      sql: new URL('./customers.sql', import.meta.url),
      of: ['orders', 'customers', 'payments', 'reviews'],
      totals: ['orders', 'spentCents'],
    },
    sellers: {
      sql: new URL('./sellers.sql', import.meta.url),
      of: ['catalog', 'orders', 'shipping', 'reviews'],
      totals: ['orders', 'items', 'revenueCents', 'freightCents', 'lateOrders'],
    },
  },
  counted: { readModel: 'orders', into: countsInto },
}

function countsInto(readModel: string, order: Document, document: Document): boolean {
  const items = (order.items ?? []) as readonly Document[]
  const customer = (order.customer ?? {}) as Document
  switch (readModel) {
    case 'sales':
      return (
        String(order.purchasedAt ?? '').startsWith(String(document.day)) &&
        (customer.state ?? 'unknown') === document.state &&
        items.some((item) => item.category === document.category)
      )
    case 'customers':
      return customer.uniqueId === document.uniqueId
    case 'sellers':
      return items.some((item) => item.sellerId === document.sellerId)
    default:
      return false
  }
}
