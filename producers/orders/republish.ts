import type { Contract } from 'tributary/contracts'
import { publish, type Republishable } from 'tributary/outbox'
import {
  OrderApproved,
  OrderCanceled,
  OrderDelivered,
  OrderInvoiced,
  OrderPlaced,
  OrderProcessing,
  OrderShipped,
  OrderUnavailable,
} from '#schemas/contracts.generated.ts'
import type { Status } from './status.ts'

interface OrderRecord {
  readonly order_id: string
  readonly customer_id: string
  readonly status: Status
  readonly purchased_at: Date
  readonly approved_at: Date | null
  readonly estimated_at: Date | null
}

/** What tells of a status, behind placing and approving. */
const turned: Partial<Record<Status, Contract<{ orderId: string }>>> = {
  invoiced: OrderInvoiced,
  processing: OrderProcessing,
  shipped: OrderShipped,
  delivered: OrderDelivered,
  canceled: OrderCanceled,
  unavailable: OrderUnavailable,
}

/** An order as placed, approved where it was, and its status. Where it stood in between isn't known any more. */
export const republish: readonly Republishable[] = [
  {
    kind: 'order',
    table: 'orders',
    key: ['order_id'],
    async rebuild(trx, order: OrderRecord) {
      const { order_id: orderId, customer_id: customerId, status, approved_at: approvedAt } = order
      // Items never change, and come with their order.
      const items = await trx('items').where({ order_id: orderId }).orderBy('item_no')
      await publish(trx, OrderPlaced, {
        orderId,
        customerId,
        purchasedAt: order.purchased_at.getTime(),
        estimatedAt: msOrNull(order.estimated_at),
        items: items.map((item) => ({
          itemNo: item.item_no,
          productId: item.product_id,
          sellerId: item.seller_id,
          priceCents: item.price_cents,
          freightCents: item.freight_cents,
          shipBy: msOrNull(item.ship_by),
        })),
      })
      if (approvedAt !== null || status === 'approved') {
        await publish(trx, OrderApproved, { orderId, approvedAt: msOrNull(approvedAt) })
      }
      const event = turned[status]
      if (event) await publish(trx, event, { orderId })
    },
  },
]

const msOrNull = (at: Date | null) => (at === null ? null : at.getTime())
