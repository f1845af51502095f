import { topology } from 'tributary/engine'
import { CustomerRows, OrderRows } from '#schemas/topics.ts'

/** People with all of their orders; a person has as many customer ids as orders. Canceled orders count too. */
export const customersTopology = topology('customers', ({ table }) =>
  table(
    OrderRows,
    ({ customer, purchasedAt, paidCents, reviewScore }) =>
      customer?.uniqueId
        ? { uniqueId: customer.uniqueId, state: customer.state, purchasedAt, paidCents, reviewScore }
        : null,
    { name: 'orders' },
  )
    .groupBy((order) => order.uniqueId, { name: 'customers' })
    .summarise((a) => {
      const purchasedAt = (order: { readonly purchasedAt: number | null }) => order.purchasedAt
      return {
        orders: a.count(),
        spentCents: a.sum((order) => order.paidCents),
        firstOrderAt: a.min(purchasedAt),
        lastOrderAt: a.max(purchasedAt),
        averageScore: a.average((order) => order.reviewScore),
        states: a.distinct((order) => order.state),
      }
    })
    .map((figures, uniqueId) => ({ uniqueId, ...figures }))
    .to(CustomerRows),
)
