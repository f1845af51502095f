import type { Knex } from 'knex'
import type { Contract, Plain } from 'tributary/contracts'
import { publish } from 'tributary/outbox'
import { conflict, invalid, notFound } from 'tributary/service'
import {
  OrderApproved,
  OrderCanceled,
  OrderInvoiced,
  OrderPlaced,
  OrderProcessing,
  OrderUnavailable,
} from '#schemas/contracts.generated.ts'
import { reachableFrom, type Status } from './status.ts'

/** What a command leaves behind. */
export interface OrderState {
  readonly orderId: string
  readonly status: Status
}

/** Takes an order. 409 when it exists, 400 when two items have the same number. */
export async function placeOrder(trx: Knex.Transaction, order: Plain<OrderPlaced>): Promise<OrderState> {
  if (new Set(order.items.map((item) => item.itemNo)).size < order.items.length) {
    throw invalid(`order "${order.orderId}" has two items with the same itemNo`)
  }
  await insertOrder(trx, order)
  await publish(trx, OrderPlaced, order) // same transaction: both or neither
  return { orderId: order.orderId, status: 'created' }
}

/** The payment was accepted, at `approvedAt` (ms) where that is known. */
export async function approveOrder(
  trx: Knex.Transaction,
  orderId: string,
  approvedAt: number | null,
): Promise<OrderState> {
  await become(trx, orderId, 'approved', approvedAt)
  await publish(trx, OrderApproved, { orderId, approvedAt })
  return { orderId, status: 'approved' }
}

export const invoiceOrder = (trx: Knex.Transaction, orderId: string) => advance(trx, orderId, 'invoiced', OrderInvoiced)

export const processOrder = (trx: Knex.Transaction, orderId: string) =>
  advance(trx, orderId, 'processing', OrderProcessing)

/** Final. Legal from any other state; canceling a canceled order changes nothing. */
export const cancelOrder = (trx: Knex.Transaction, orderId: string) => end(trx, orderId, 'canceled', OrderCanceled)

/** Final. Legal from any other state; saying it again changes nothing. */
export const markUnavailable = (trx: Knex.Transaction, orderId: string) =>
  end(trx, orderId, 'unavailable', OrderUnavailable)

async function advance(
  trx: Knex.Transaction,
  orderId: string,
  to: Status,
  event: Contract<{ orderId: string }>,
): Promise<OrderState> {
  await become(trx, orderId, to)
  await publish(trx, event, { orderId })
  return { orderId, status: to }
}

async function end(
  trx: Knex.Transaction,
  orderId: string,
  to: Status,
  event: Contract<{ orderId: string }>,
): Promise<OrderState> {
  const status = await lockStatus(trx, orderId)
  return status === to ? { orderId, status } : advance(trx, orderId, to, event)
}

/** The order's status, its row locked until the transaction ends, or undefined when there is no such order. */
export async function lockStatus(trx: Knex.Transaction, orderId: string): Promise<Status | undefined> {
  const { rows } = await trx
    .raw('select status from orders where order_id = ? for update', [orderId])
    .options({ name: 'order-lock' })
  return rows[0]?.status
}

/** Moves the order on where that is legal, and says whether it was; locks its row until the transaction ends. */
export async function moveOn(
  trx: Knex.Transaction,
  orderId: string,
  to: Status,
  approvedAt: number | null = null,
): Promise<boolean> {
  const { rowCount } = await trx
    .raw(
      `update orders set status = ?, approved_at = coalesce(?::timestamptz, approved_at)
       where order_id = ? and status = any (?)`,
      [to, dateOrNull(approvedAt), orderId, reachableFrom[to]] as Knex.RawBinding[],
    )
    .options({ name: 'order-move-on' })
  return rowCount > 0
}

/** Moves the order on. 409 where that isn't legal, 404 when there is no such order. */
async function become(
  trx: Knex.Transaction,
  orderId: string,
  to: Status,
  approvedAt: number | null = null,
): Promise<void> {
  if (await moveOn(trx, orderId, to, approvedAt)) return
  const status = await lockStatus(trx, orderId)
  if (!status) throw notFound('unknown_order', `there is no order "${orderId}"`)
  throw conflict('illegal_status', `order "${orderId}" is ${status}: it can't become ${to}`)
}

async function insertOrder(trx: Knex.Transaction, order: Plain<OrderPlaced>): Promise<void> {
  const { orderId, customerId, purchasedAt, estimatedAt, items } = order
  const { rows } = await trx
    .raw(
      `with placed as (
         insert into orders (order_id, customer_id, status, purchased_at, estimated_at) values (?, ?, 'created', ?, ?)
         on conflict (order_id) do nothing returning order_id
       ), their_items as (
         insert into items select placed.order_id, i.* from placed, jsonb_to_recordset(?) as i (
           "itemNo" int, "productId" text, "sellerId" text, "priceCents" bigint, "freightCents" bigint, "shipBy" timestamptz)
       )
       select from placed`,
      [
        orderId,
        customerId,
        new Date(purchasedAt),
        dateOrNull(estimatedAt),
        JSON.stringify(items.map((item) => ({ ...item, shipBy: dateOrNull(item.shipBy) }))),
      ] as Knex.RawBinding[],
    )
    .options({ name: 'order-insert' })
  if (rows.length === 0) throw conflict('order_exists', `order "${orderId}" was placed already`)
}

const dateOrNull = (at: number | null) => (at === null ? null : new Date(at))
