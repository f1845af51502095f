import type { Knex } from 'knex'
import type { Plain } from 'tributary/contracts'
import { publish } from 'tributary/outbox'
import { conflict, notFound, notKnownYet, type Refusal } from 'tributary/service'
import { ShipmentDelivered, ShipmentPrepared, ShipmentShipped } from '#schemas/contracts.generated.ts'
import { shipmentKey } from '#schemas/keys.ts'

export type ShipmentStatus = 'prepared' | 'shipped' | 'delivered'

export interface Shipment extends Plain<ShipmentPrepared> {
  readonly status: ShipmentStatus
}

/**
 * Prepares what one seller sends for an order. 409 when the order isn't known yet (retryable), was closed, the seller
 * isn't one of it, or the shipment exists. `sellerId` is null for an order without items, and only there.
 */
export async function prepareShipment(
  trx: Knex.Transaction,
  orderId: string,
  sellerId: string | null,
): Promise<Shipment> {
  // What one seller sends for one order is one shipment.
  const shipmentId = shipmentKey(orderId, sellerId)
  // The share lock keeps the order from being closed before this transaction ends.
  const { rows } = await trx
    .raw(
      `with known as (
         select order_id from known_orders
         where order_id = :orderId and closed is null
           and case when :sellerId::text is null then sellers = '{}' else :sellerId = any (sellers) end
         for share
       ), prepared as (
         -- Under an id of the form that ids had before, it may be.
         select from shipments where order_id = :orderId and seller_id is not distinct from :sellerId::text
       )
       insert into shipments (shipment_id, order_id, seller_id, status)
       select :shipmentId, order_id, :sellerId, 'prepared' from known where not exists (select from prepared)
       on conflict (shipment_id) do nothing returning shipment_id`,
      { orderId, sellerId, shipmentId } as Record<string, Knex.RawBinding>,
    )
    .options({ name: 'shipment-insert' })
  if (rows.length === 0) throw await whyNotPrepared(trx, orderId, sellerId)
  await publish(trx, ShipmentPrepared, { shipmentId, orderId, sellerId })
  return { shipmentId, orderId, sellerId, status: 'prepared' }
}

/** Hands a prepared shipment to the carrier, at `shippedAt` (ms) where that is known. */
export async function shipShipment(
  trx: Knex.Transaction,
  shipmentId: string,
  shippedAt: number | null,
): Promise<Shipment> {
  const shipment = await moveOn(trx, shipmentId, 'prepared', 'shipped', shippedAt)
  await publish(trx, ShipmentShipped, { ...shipment, shippedAt })
  return { ...shipment, status: 'shipped' }
}

/** A shipped shipment has arrived, at `deliveredAt` (ms) where that is known. */
export async function deliverShipment(
  trx: Knex.Transaction,
  shipmentId: string,
  deliveredAt: number | null,
): Promise<Shipment> {
  const shipment = await moveOn(trx, shipmentId, 'shipped', 'delivered', deliveredAt)
  await publish(trx, ShipmentDelivered, { ...shipment, deliveredAt })
  return { ...shipment, status: 'delivered' }
}

/** 404 when there is no such shipment. */
export async function findShipment(db: Knex, shipmentId: string) {
  const found = await db('shipments').where({ shipment_id: shipmentId }).first({
    shipmentId: 'shipment_id',
    orderId: 'order_id',
    sellerId: 'seller_id',
    status: 'status',
    shippedAt: 'shipped_at',
    deliveredAt: 'delivered_at',
  })
  if (!found) throw unknownShipment(shipmentId)
  return found
}

/** Looks after the fact: what the refused statement didn't see may have come in since, and then it may be tried again. */
async function whyNotPrepared(trx: Knex.Transaction, orderId: string, sellerId: string | null): Promise<Refusal> {
  const prepared = await trx('shipments').where({ order_id: orderId, seller_id: sellerId }).first('shipment_id')
  if (prepared) return conflict('shipment_exists', `shipment "${prepared.shipment_id}" is prepared already`)
  const order = await trx('known_orders').where({ order_id: orderId }).first('sellers', 'closed')
  if (order?.closed) return conflict('order_closed', `order "${orderId}" is ${order.closed}: nothing is sent for it`)
  if (order && sellerId === null && order.sellers.length > 0) {
    return conflict('seller_missing', `order "${orderId}" has items: say which of its sellers sends`)
  }
  if (order && sellerId !== null && !order.sellers.includes(sellerId)) {
    return conflict('not_a_seller', `seller "${sellerId}" has no items in order "${orderId}"`)
  }
  return notKnownYet('unknown_order', `order "${orderId}" is not known here yet`)
}

/** Moves a shipment from one status to the next, at a time (ms) that may be unknown. 409 when it is elsewhere. */
async function moveOn(
  trx: Knex.Transaction,
  shipmentId: string,
  from: ShipmentStatus,
  to: 'shipped' | 'delivered',
  at: number | null,
): Promise<Plain<ShipmentPrepared>> {
  const { rows } = await trx
    .raw(
      `update shipments set status = ?, ${to}_at = ? where shipment_id = ? and status = ?
       returning order_id as "orderId", seller_id as "sellerId"`,
      [to, at === null ? null : new Date(at), shipmentId, from] as Knex.RawBinding[],
    )
    .options({ name: `shipment-${to}` })
  if (rows.length > 0) return { shipmentId, ...rows[0] }
  const shipment = await trx('shipments').where({ shipment_id: shipmentId }).first('status')
  if (!shipment) throw unknownShipment(shipmentId)
  throw conflict('illegal_status', `shipment "${shipmentId}" is ${shipment.status}, not ${from}`)
}

const unknownShipment = (shipmentId: string) => notFound('unknown_shipment', `there is no shipment "${shipmentId}"`)
