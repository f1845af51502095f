import type { Id } from 'tributary/contracts'

/**
 * Keys that are put together of several values. Two different things never get the same key: each part but the last
 * is written so that the separator after it can be told from one within it. Ordinary values are written as they are.
 */

/** Of the catalog's topic, which has three kinds of things. */
export const productKey = (productId: Id<'product'>) => `product/${productId}` as const
export const sellerKey = (sellerId: Id<'seller'>) => `seller/${sellerId}` as const
export const categoryKey = (category: string) => `category/${category}` as const

/** `order-seller`. The last dash separates: a seller's own dashes are written `~1`, its tildes `~0` (as in RFC 6901). */
export function shipmentKey(orderId: string, sellerId: string | null): string {
  if (sellerId === null) return `${orderId}-none`
  // A seller of that name is not nobody.
  if (sellerId === 'none') return `${orderId}-~none`
  return `${orderId}-${sellerId.replaceAll('~', '~0').replaceAll('-', '~1')}`
}

/** `order/sequence`: the last slash separates, as a number has none. */
export const paymentKey = (orderId: string, sequence: number) => `${orderId}/${sequence}` as const

/** `order/review`: neither id has a slash (rules.json). */
export const reviewKey = (orderId: string, reviewId: string) => `${orderId}/${reviewId}` as const

/** What is summed up in one row of sales. */
export interface SalesGroup {
  /** `YYYY-MM-DD` */
  readonly day: string
  readonly state: string
  readonly category: string
}

/**
 * `day|state|category`. A state's own bars are written `%7C` and its percent signs `%25`; after the second bar the
 * rest is the category. sinks/verify/sales.sql says the same in SQL.
 */
export function salesKey({ day, state, category }: SalesGroup): string {
  return `${day}|${/[%|]/.test(state) ? state.replaceAll('%', '%25').replaceAll('|', '%7C') : state}|${category}`
}
