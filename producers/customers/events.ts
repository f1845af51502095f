import { publishes } from 'tributary/outbox'
import { Customers } from '#schemas/topics.ts'

/** Published as a tombstone when a customer is erased. */
export const CUSTOMER_ERASED = 'CustomerErased'

export const customersEvents = publishes(Customers, {
  CustomerRegistered: { aggregate: 'customer' },
  CustomerMoved: { aggregate: 'customer' },
})
