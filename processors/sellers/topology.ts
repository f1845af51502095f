import type { Id } from 'tributary/contracts'
import { topology } from 'tributary/engine'
import { sellerKey } from '#schemas/keys.ts'
import { Catalog, OrderRows, SellerRows } from '#schemas/topics.ts'

/** What one order means to one of its sellers. */
interface Part {
  readonly seller: ReturnType<typeof sellerKey>
  readonly items: number
  readonly revenueCents: number
  readonly freightCents: number
  readonly late: boolean
  readonly score: number | null
}
interface Seller {
  readonly sellerId: Id<'seller'>
  readonly city: string
  readonly state: string
}

/** Every seller with what they sold; canceled and unavailable orders don't count. */
export const sellersTopology = topology('sellers', ({ events, table }) => {
  const sellers = events(Catalog)
    .only('SellerJoined', 'SellerMoved')
    .evolve<Seller>(
      {
        SellerJoined: (_, { sellerId, city, state }) => ({ sellerId, city, state }),
        SellerMoved: (seller, { city, state }) => seller && { ...seller, city, state },
      },
      { name: 'sellers' },
    )

  const sold = table(
    OrderRows,
    (order): readonly Part[] | null => {
      if (order.status === 'canceled' || order.status === 'unavailable' || order.items.length === 0) return null
      const parts = new Map<string, Part>()
      for (const { sellerId, priceCents, freightCents } of order.items) {
        const part = parts.get(sellerId)
        parts.set(sellerId, {
          seller: sellerKey(sellerId),
          items: (part?.items ?? 0) + 1,
          revenueCents: (part?.revenueCents ?? 0) + priceCents,
          freightCents: (part?.freightCents ?? 0) + freightCents,
          late: order.late === true,
          score: order.reviewScore,
        })
      }
      return [...parts.values()]
    },
    { name: 'orders' },
  )
    .flatMap((parts) => parts.values(), { by: (part) => part.seller })
    .groupBy((part) => part.seller, { name: 'sold' })
    .summarise((a) => ({
      orders: a.count(),
      items: a.sum((part) => part.items),
      revenueCents: a.sum((part) => part.revenueCents),
      freightCents: a.sum((part) => part.freightCents),
      lateOrders: a.count((part) => part.late),
      averageScore: a.average((part) => part.score),
    }))

  const nothing = { orders: 0, items: 0, revenueCents: 0, freightCents: 0, lateOrders: 0, averageScore: null }
  return sellers
    .leftJoin(sold, { select: (seller, figures) => ({ ...seller, ...(figures ?? nothing) }) })
    .to(SellerRows)
})
