import { publishes } from 'tributary/outbox'
import { Orders } from '#schemas/topics.ts'

const order = { aggregate: 'order' }

export const ordersEvents = publishes(Orders, {
  OrderPlaced: { ...order, at: (e) => e.purchasedAt },
  OrderApproved: { ...order, at: (e) => e.approvedAt },
  OrderInvoiced: order,
  OrderProcessing: order,
  OrderShipped: order,
  OrderDelivered: order,
  OrderCanceled: order,
  OrderUnavailable: order,
})
