import type { Knex } from 'knex'
import { notFound } from 'tributary/service'

/** An order with its items and what was learned of its payments and shipments. 404 when there is no such order. */
export async function findOrder(db: Knex, orderId: string) {
  const order = await db('orders').where({ order_id: orderId }).first({
    orderId: 'order_id',
    customerId: 'customer_id',
    status: 'status',
    purchasedAt: 'purchased_at',
    approvedAt: 'approved_at',
    estimatedAt: 'estimated_at',
  })
  if (!order) throw notFound('unknown_order', `there is no order "${orderId}"`)
  const items = await db('items').where({ order_id: orderId }).orderBy('item_no').select({
    itemNo: 'item_no',
    productId: 'product_id',
    sellerId: 'seller_id',
    priceCents: 'price_cents',
    freightCents: 'freight_cents',
    shipBy: 'ship_by',
  })
  const payments: { cents: number }[] = await db('known_payments').where({ order_id: orderId }).select('cents')
  const shipments = await db('known_shipments')
    .where({ order_id: orderId })
    .orderBy('shipment_id')
    .select({ shipmentId: 'shipment_id', sellerId: 'seller_id', status: 'status' })
  const paidCents = payments.reduce((sum, payment) => sum + payment.cents, 0)
  return { ...order, items, paidCents, shipments }
}
