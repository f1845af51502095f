import type { Knex } from 'knex'
import { type Subscription, subscription } from 'tributary/inbox'
import { publish } from 'tributary/outbox'
import { OrderDelivered, OrderShipped, type ShipmentPrepared } from '#schemas/contracts.generated.ts'
import { Payments, Shipping } from '#schemas/topics.ts'
import { lockStatus } from './commands.ts'
import { reachableFrom } from './status.ts'

/** What has been paid, shown beside the order. */
const payments = subscription(Payments, {
  PaymentReceived: async (trx, { orderId, sequence, cents }) => {
    await trx
      .raw(
        `insert into known_payments (order_id, sequence, cents) values (?, ?, ?)
         on conflict (order_id, sequence) do update set cents = excluded.cents`,
        [orderId, sequence, cents],
      )
      .options({ name: 'known-payment' })
  },
  PaymentReversed: async (trx, { orderId, sequence }) => {
    await trx('known_payments').where({ order_id: orderId, sequence }).delete()
  },
})

/** An order is shipped with its first shipment, and delivered with its last. */
const shipping = subscription(Shipping, {
  ShipmentPrepared: async (trx, shipment) => {
    await trx.raw(NOTE_SHIPMENT, noted(shipment, 'prepared')).options({ name: 'shipment-prepared' })
  },

  ShipmentShipped: async (trx, shipment) => {
    const { orderId } = shipment
    const { rowCount } = await trx
      .raw(
        `with noted as (${NOTE_SHIPMENT})
         update orders set status = 'shipped' where order_id = ? and status = any (?)`,
        [...noted(shipment, 'shipped'), orderId, reachableFrom.shipped] as Knex.RawBinding[],
      )
      .options({ name: 'shipment-shipped' })
    if (rowCount > 0) await publish(trx, OrderShipped, { orderId })
  },

  ShipmentDelivered: async (trx, shipment) => {
    const { orderId } = shipment
    // The lock comes first: of two last shipments arriving at once, the second one sees the first.
    await lockStatus(trx, orderId)
    const { rowCount } = await trx
      .raw(
        `with noted as (${NOTE_SHIPMENT})
         update orders set status = 'delivered' where order_id = ? and status = any (?) and ${ALL_OTHERS_DELIVERED}`,
        [
          ...noted(shipment, 'delivered'),
          orderId,
          reachableFrom.delivered,
          shipment.sellerId,
          shipment.shipmentId,
        ] as Knex.RawBinding[],
      )
      .options({ name: 'shipment-delivered' })
    if (rowCount > 0) await publish(trx, OrderDelivered, { orderId })
  },
})

export const ordersSubscriptions: readonly Subscription[] = [payments, shipping]

/** A shipment only goes on: what is told of it once more, republished, doesn't set it back. */
const NOTE_SHIPMENT = `
  insert into known_shipments (order_id, shipment_id, seller_id, status) values (?, ?, ?, ?)
  on conflict (order_id, shipment_id) do update set status = excluded.status
    where array_position(array['prepared', 'shipped', 'delivered'], known_shipments.status)
        < array_position(array['prepared', 'shipped', 'delivered'], excluded.status)`

const noted = ({ orderId, shipmentId, sellerId }: ShipmentPrepared, status: string) =>
  [orderId, shipmentId, sellerId, status] as Knex.RawBinding[]

/**
 * Whether every other seller's shipment has arrived (the one that arrives now isn't seen by its own statement). An
 * order without items has the one shipment that has no seller.
 */
const ALL_OTHERS_DELIVERED = `
  not exists (
    select from items i where i.order_id = orders.order_id and i.seller_id is distinct from ? and not exists (
      select from known_shipments s
      where s.order_id = i.order_id and s.seller_id = i.seller_id and s.status = 'delivered')
  ) and not exists (
    select from known_shipments s
    where s.order_id = orders.order_id and s.shipment_id <> ? and s.status <> 'delivered'
  )`
