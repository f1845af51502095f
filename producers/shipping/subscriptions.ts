import type { Knex } from 'knex'
import { type Subscription, subscription } from 'tributary/inbox'
import { Orders } from '#schemas/topics.ts'

/** Which orders there are, who has to send something for them, and which were closed. */
const orders = subscription(Orders, {
  OrderPlaced: async (trx, { orderId, items }) => {
    const sellers = [...new Set(items.map((item) => item.sellerId))]
    await trx
      .raw('insert into known_orders (order_id, sellers) values (?, ?::text[]) on conflict (order_id) do nothing', [
        orderId,
        sellers,
      ])
      .options({ name: 'known-order-insert' })
  },
  OrderCanceled: (trx, { orderId }) => closeOrder(trx, orderId, 'canceled'),
  OrderUnavailable: (trx, { orderId }) => closeOrder(trx, orderId, 'unavailable'),
})

export const shippingSubscriptions: readonly Subscription[] = [orders]

async function closeOrder(trx: Knex.Transaction, orderId: string, closed: string): Promise<void> {
  await trx('known_orders').where({ order_id: orderId }).update({ closed })
}
