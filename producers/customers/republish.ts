import { publish, type Republishable } from 'tributary/outbox'
import { CustomerRegistered } from '#schemas/contracts.generated.ts'

interface CustomerRecord {
  readonly customer_id: string
  readonly unique_id: string
  readonly zip: string
  readonly city: string
  readonly state: string
}

export const republish: readonly Republishable[] = [
  {
    kind: 'customer',
    table: 'customers',
    key: ['customer_id'],
    rebuild: (trx, { customer_id, unique_id, zip, city, state }: CustomerRecord) =>
      publish(trx, CustomerRegistered, { customerId: customer_id, uniqueId: unique_id, zip, city, state }),
  },
]
