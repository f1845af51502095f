import type { Knex } from 'knex'
import type { Plain } from 'tributary/contracts'
import { publish } from 'tributary/outbox'
import { conflict, notFound, notKnownYet, type Refusal } from 'tributary/service'
import { PaymentReceived, PaymentReversed } from '#schemas/contracts.generated.ts'

/**
 * Takes a payment for an order. 409 when the order isn't known yet (retryable), takes no more payments, or has a
 * payment of this sequence already.
 */
export async function receivePayment(
  trx: Knex.Transaction,
  payment: Plain<PaymentReceived>,
): Promise<Plain<PaymentReceived>> {
  const { orderId, sequence, type, installments, cents } = payment
  // The share lock keeps the order from being closed before this transaction ends.
  const { rows } = await trx
    .raw(
      `with known as (select order_id from known_orders where order_id = ? and closed is null for share)
       insert into payments (order_id, sequence, type, installments, cents)
       select order_id, ?::int, ?, ?::int, ?::bigint from known
       on conflict (order_id, sequence) do nothing returning sequence`,
      [orderId, sequence, type, installments, cents],
    )
    .options({ name: 'payment-insert' })
  if (rows.length === 0) throw await whyRefused(trx, orderId, sequence)
  await publish(trx, PaymentReceived, payment)
  return payment
}

/** Takes a payment back; it no longer counts. 404 when there is no such payment. */
export async function reversePayment(
  trx: Knex.Transaction,
  orderId: string,
  sequence: number,
): Promise<Plain<PaymentReversed>> {
  const reversed = await trx('payments').where({ order_id: orderId, sequence }).delete()
  if (reversed === 0) throw unknownPayment(orderId, sequence)
  await publish(trx, PaymentReversed, { orderId, sequence })
  return { orderId, sequence }
}

/** 404 when there is no such payment. */
export async function findPayment(db: Knex, orderId: string, sequence: number): Promise<Plain<PaymentReceived>> {
  const found = await db('payments')
    .where({ order_id: orderId, sequence })
    .first('order_id as orderId', 'sequence', 'type', 'installments', 'cents')
  if (!found) throw unknownPayment(orderId, sequence)
  return found
}

/** Looks after the fact: what the refused statement didn't see may have come in since, and then it may be tried again. */
async function whyRefused(trx: Knex.Transaction, orderId: string, sequence: number): Promise<Refusal> {
  if (await trx('payments').where({ order_id: orderId, sequence }).first('sequence')) {
    return conflict('payment_exists', `order "${orderId}" has payment ${sequence} already`)
  }
  const order = await trx('known_orders').where({ order_id: orderId }).first('closed')
  if (order?.closed) return conflict('order_closed', `order "${orderId}" is ${order.closed}: it takes no payments`)
  return notKnownYet('unknown_order', `order "${orderId}" is not known here yet`)
}

const unknownPayment = (orderId: string, sequence: number) =>
  notFound('unknown_payment', `order "${orderId}" has no payment ${sequence}`)
