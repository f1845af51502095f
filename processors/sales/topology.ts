import { topology } from 'tributary/engine'
import { salesKey } from '#schemas/keys.ts'
import { OrderRows, SalesRows } from '#schemas/topics.ts'

/** What one order adds to the sales of its day, state and one category. */
interface Sale {
  /** `YYYY-MM-DD` */
  readonly day: string
  readonly state: string
  readonly category: string
  readonly items: number
  readonly revenueCents: number
  readonly freightCents: number
}

/** Sales by day of purchase (UTC), state of the customer, and category; canceled and unavailable orders don't count. */
export const salesTopology = topology('sales', ({ table }) =>
  table(
    OrderRows,
    (order): readonly Sale[] | null => {
      if (order.status === 'canceled' || order.status === 'unavailable') return null
      if (order.purchasedAt === null || order.items.length === 0) return null
      const day = new Date(order.purchasedAt).toISOString().slice(0, 10)
      const state = order.customer?.state ?? 'unknown'
      const sales = new Map<string, Sale>()
      for (const { category, priceCents, freightCents } of order.items) {
        const sale = sales.get(category)
        sales.set(category, {
          day,
          state,
          category,
          items: (sale?.items ?? 0) + 1,
          revenueCents: (sale?.revenueCents ?? 0) + priceCents,
          freightCents: (sale?.freightCents ?? 0) + freightCents,
        })
      }
      return [...sales.values()]
    },
    { name: 'orders' },
  )
    .flatMap((sales) => sales.values(), { by: (sale) => sale.category })
    .groupBy(({ day, state, category }) => ({ day, state, category }), { name: 'sales', key: salesKey })
    .summarise((a) => ({
      orders: a.count(),
      items: a.sum((sale) => sale.items),
      revenueCents: a.sum((sale) => sale.revenueCents),
      freightCents: a.sum((sale) => sale.freightCents),
    }))
    .to(SalesRows),
)
