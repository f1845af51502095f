import { shipmentKey } from '#schemas/keys.ts'

/**
 * A marketplace as a value: everything that happened, whoever tells it (CSV files or the generator).
 * Instants are ms since the epoch (UTC), money is integer cents, ids and zips are strings.
 */
export interface Marketplace {
  readonly customers: ReadonlyMap<string, Customer>
  readonly products: ReadonlyMap<string, Product>
  readonly sellers: ReadonlyMap<string, Seller>
  /** English name by category. */
  readonly translations: ReadonlyMap<string, string>
  /** By purchase time, then order id. */
  readonly orders: readonly Order[]
}

/** One per order; the person behind it is `uniqueId`. */
export interface Customer {
  readonly customerId: string
  readonly uniqueId: string
  readonly zip: string
  readonly city: string
  readonly state: string
}

export interface Product {
  readonly productId: string
  readonly category: string | null
  readonly nameLength: number | null
  readonly descriptionLength: number | null
  readonly photos: number | null
  readonly weightG: number | null
  readonly lengthCm: number | null
  readonly heightCm: number | null
  readonly widthCm: number | null
}

export interface Seller {
  readonly sellerId: string
  readonly zip: string
  readonly city: string
  readonly state: string
}

export const statuses = [
  'created',
  'approved',
  'invoiced',
  'processing',
  'shipped',
  'delivered',
  'unavailable',
  'canceled',
] as const
export type Status = (typeof statuses)[number]

/** An order with its whole life. Its times are data: they may contradict the order in which things happened. */
export interface Order {
  readonly orderId: string
  readonly customerId: string
  /** Where its life ended. */
  readonly status: Status
  readonly purchasedAt: number
  readonly approvedAt: number | null
  /** When the carrier took it over. */
  readonly shippedAt: number | null
  readonly deliveredAt: number | null
  readonly estimatedAt: number | null
  /** By itemNo. */
  readonly items: readonly Item[]
  /** By sequence. */
  readonly payments: readonly Payment[]
  /** By creation time (unknown first), then review id. */
  readonly reviews: readonly Review[]
}

export interface Item {
  readonly itemNo: number
  readonly productId: string
  readonly sellerId: string
  readonly priceCents: number
  readonly freightCents: number
  readonly shipBy: number | null
}

export interface Payment {
  readonly sequence: number
  readonly type: string
  readonly installments: number
  readonly cents: number
}

/** `reviewId` is unique within its order only. */
export interface Review {
  readonly reviewId: string
  readonly score: number
  readonly title: string | null
  readonly comment: string | null
  /** Unknown for 17 of Olist's 99,224. */
  readonly createdAt: number | null
  readonly answeredAt: number | null
}

export interface Shipment {
  readonly shipmentId: string
  readonly sellerId: string | null
  readonly shippedAt: number | null
  readonly delivered: boolean
  readonly deliveredAt: number | null
}

/**
 * The shipments of an order: one per seller, in the order of its items, with the order's carrier and delivery times;
 * one without a seller where an order without items was shipped; none where nothing says it was.
 */
export function shipmentsOf(order: Order): Shipment[] {
  const delivered = order.status === 'delivered' || order.deliveredAt !== null
  if (!delivered && order.status !== 'shipped' && order.shippedAt === null) return []
  const sellers = new Set<string | null>(order.items.map((item) => item.sellerId))
  if (sellers.size === 0) sellers.add(null)
  return [...sellers].map((sellerId) => ({
    shipmentId: shipmentKey(order.orderId, sellerId),
    sellerId,
    shippedAt: order.shippedAt,
    delivered,
    deliveredAt: order.deliveredAt,
  }))
}

/** The order in which orders are played: by purchase time, then order id (compared by code unit). */
export function byPurchase(a: Order, b: Order): number {
  return a.purchasedAt - b.purchasedAt || (a.orderId < b.orderId ? -1 : a.orderId > b.orderId ? 1 : 0)
}
