import { publishes } from 'tributary/outbox'
import { Payments } from '#schemas/topics.ts'

const payment = { aggregate: 'payment' }

export const paymentsEvents = publishes(Payments, { PaymentReceived: payment, PaymentReversed: payment })
