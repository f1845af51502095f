import { publish, type Republishable } from 'tributary/outbox'
import { PaymentReceived } from '#schemas/contracts.generated.ts'

interface PaymentRecord {
  readonly order_id: string
  readonly sequence: number
  readonly type: string
  readonly installments: number
  readonly cents: number
}

export const republish: readonly Republishable[] = [
  {
    kind: 'payment',
    table: 'payments',
    key: ['order_id', 'sequence'],
    rebuild: (trx, { order_id, sequence, type, installments, cents }: PaymentRecord) =>
      publish(trx, PaymentReceived, { orderId: order_id, sequence, type, installments, cents }),
  },
]
