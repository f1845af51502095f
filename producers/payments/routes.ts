import type { Api } from 'tributary/service'
import { z } from 'zod'
import { cents, count, name, orderId, sequence, sequenceText } from '#schemas/values.ts'
import { findPayment, receivePayment, reversePayment } from './commands.ts'

const NewPayment = z.strictObject({
  orderId,
  sequence,
  type: name,
  installments: count,
  cents,
})
const params = z.object({ orderId, sequence: sequenceText })

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
