import { publishes } from 'tributary/outbox'
import { paymentKey } from '#schemas/keys.ts'
import { Payments } from '#schemas/topics.ts'

const payment = {
  aggregate: 'payment',
  key: (e: { orderId: string; sequence: number }) => paymentKey(e.orderId, e.sequence),
}

export const paymentsEvents = publishes(Payments, { PaymentReceived: payment, PaymentReversed: payment })
