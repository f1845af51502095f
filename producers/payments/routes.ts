import { z } from 'zod'
import { type Api, cents, count, id, name } from '#producers/service/api.ts'
import { findPayment, receivePayment, reversePayment } from './commands.ts'

/** Payments of an order are numbered, and so bounded: the order with all of its parts is one record. */
const LAST_SEQUENCE = 100

const NewPayment = z.strictObject({
  orderId: id,
  sequence: count.max(LAST_SEQUENCE),
  type: name,
  installments: count,
  cents,
})
const params = z.object({ orderId: id, sequence: z.string().regex(/^\d{1,9}$/) })

export function paymentsRoutes(api: Api): void {
  api.post('/payments', {
    summary: 'Take a payment for an order',
    body: NewPayment,
    status: 201,
    run: (trx, { body }) => receivePayment(trx, body),
  })
  api.post('/payments/:orderId/:sequence/reverse', {
    summary: 'Take a payment back',
    params,
    run: (trx, { params }) => reversePayment(trx, params.orderId, Number(params.sequence)),
  })
  api.get('/payments/:orderId/:sequence', {
    summary: 'A payment',
    params,
    run: (db, { params }) => findPayment(db, params.orderId, Number(params.sequence)),
  })
}
