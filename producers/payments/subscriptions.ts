import type { Knex } from 'knex'
import { type Subscription, subscription } from 'tributary/inbox'
import { Orders } from '#schemas/topics.ts'

/** Which orders there are, and which take no more payments. */
const orders = subscription(Orders, {
  OrderPlaced: async (trx, { orderId }) => {
    await trx
      .raw('insert into known_orders (order_id) values (?) on conflict (order_id) do nothing', [orderId])
      .options({ name: 'known-order-insert' })
  },
  OrderCanceled: (trx, { orderId }) => closeOrder(trx, orderId, 'canceled'),
  OrderUnavailable: (trx, { orderId }) => closeOrder(trx, orderId, 'unavailable'),
})

export const paymentsSubscriptions: readonly Subscription[] = [orders]

async function closeOrder(trx: Knex.Transaction, orderId: string, closed: string): Promise<void> {
  await trx('known_orders').where({ order_id: orderId }).update({ closed })
}
