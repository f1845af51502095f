import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { generateMarketplace } from './generate.ts'
import { byPurchase, type Marketplace, type Order, statuses } from './marketplace.ts'
import { untranslated } from './places.ts'
import { summarise } from './summary.ts'

const seeds = fc.nat({ max: 1_000_000 })
const distinct = (values: readonly unknown[]) => new Set(values).size

test('the same size and seed give the same marketplace', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 200 }), (seed, orders) => {
      expect(generateMarketplace({ orders, seed })).toEqual(generateMarketplace({ orders, seed }))
    }),
    { numRuns: 10 },
  )
})

test('another seed or size shares no id', () => {
  const ids = (orders: number, seed: number) => {
    const market = generateMarketplace({ orders, seed })
    return [...market.orders.map((order) => order.orderId), ...market.customers.keys(), ...market.products.keys()]
  }
  const all = [ids(100, 1), ids(100, 2), ids(101, 1), ids(100, 12)].flat()
  expect(distinct(all)).toBe(all.length)
})

test('every marketplace of any size can be played, and ends as it says', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 300 }), (seed, orders) => {
      const market = generateMarketplace({ orders, seed })
      expect(market.orders).toHaveLength(orders)
      expect(summarise(market).wrong).toEqual([])
    }),
    { numRuns: 30 },
  )
})

test('ids are unique, references lead somewhere, parts and orders are in order', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { orders, customers, products, sellers } = generateMarketplace({ orders: 500, seed })
      expect(distinct(orders.map((order) => order.orderId))).toBe(orders.length)
      expect(distinct(orders.map((order) => order.customerId))).toBe(orders.length)
      expect([...orders].sort(byPurchase)).toEqual(orders)
      for (const order of orders) {
        expect(customers.has(order.customerId)).toBe(true)
        expect(order.items.every((item) => products.has(item.productId) && sellers.has(item.sellerId))).toBe(true)
        expect(order.items.map((item) => item.itemNo)).toEqual(order.items.map((_, at) => at + 1))
        expect(distinct(order.payments.map((payment) => payment.sequence))).toBe(order.payments.length)
        expect(distinct(order.reviews.map((review) => review.reviewId))).toBe(order.reviews.length)
        expect(order.payments.every((payment) => Number.isSafeInteger(payment.cents) && payment.cents >= 0)).toBe(true)
      }
    }),
    { numRuns: 5 },
  )
})

describe('a marketplace of 2,000 orders has every quirk of the real one', () => {
  const total = (order: Order) => order.items.reduce((sum, item) => sum + item.priceCents + item.freightCents, 0)
  const paid = (order: Order) => order.payments.reduce((sum, payment) => sum + payment.cents, 0)
  const some = (what: (order: Order) => boolean) => (market: Marketplace) => market.orders.some(what)
  const most = (ids: readonly string[]) => {
    const counts = new Map<string, number>()
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
    return Math.max(...counts.values())
  }
  const people = (market: Marketplace) => [
    ...Map.groupBy(market.customers.values(), (customer) => customer.uniqueId).values(),
  ]
  const reviews = (market: Marketplace) => market.orders.flatMap((order) => order.reviews)

  const quirks: Record<string, (market: Marketplace) => boolean> = {
    'all statuses': (market) => distinct(market.orders.map((order) => order.status)) === statuses.length,
    'mostly delivered': (market) => market.orders.filter((order) => order.status === 'delivered').length > 1_900,
    'people with several customer ids': (market) => people(market).some((ids) => ids.length > 1),
    'people in several states': (market) => people(market).some((ids) => distinct(ids.map((id) => id.state)) > 1),
    'orders without items': some((order) => order.items.length === 0),
    'shipped without items': some((order) => order.items.length === 0 && order.shippedAt !== null),
    'an order without payment': some((order) => order.status === 'delivered' && order.payments.length === 0),
    'an order without review': some((order) => order.reviews.length === 0),
    'several reviews': some((order) => order.reviews.length > 1),
    'a review id in two orders': (market) =>
      distinct(reviews(market).map((review) => review.reviewId)) < reviews(market).length,
    'an unanswered review': some((order) => order.reviews.some((review) => review.answeredAt === null)),
    'a review without a time': some((order) => order.reviews.some((review) => review.createdAt === null)),
    'a review before the purchase': some((order) =>
      order.reviews.some((review) => review.createdAt !== null && review.createdAt < order.purchasedAt),
    ),
    'a comment over several lines': some((order) =>
      order.reviews.some((review) => review.comment?.includes('\n') ?? false),
    ),
    'gaps in the payments': some((order) => order.payments.some((payment, at) => payment.sequence !== at + 1)),
    'twenty-nine payments': some((order) => order.payments.length >= 29),
    'zero payments': some((order) => order.payments.some((payment) => payment.cents === 0)),
    vouchers: some((order) => order.payments.some((payment) => payment.type === 'voucher')),
    'paid a cent more or less': some(
      (order) => order.items.length > 0 && order.payments.length > 0 && Math.abs(paid(order) - total(order)) === 1,
    ),
    'several sellers': some((order) => distinct(order.items.map((item) => item.sellerId)) > 1),
    'several items': some((order) => order.items.length > 2),
    'delivered without a date': some((order) => order.status === 'delivered' && order.deliveredAt === null),
    'delivered, never approved': some((order) => order.status === 'delivered' && order.approvedAt === null),
    'delivered, never shipped': some((order) => order.status === 'delivered' && order.shippedAt === null),
    'canceled and delivered': some((order) => order.status === 'canceled' && order.deliveredAt !== null),
    'canceled without approval': some((order) => order.status === 'canceled' && order.approvedAt === null),
    'shipped before purchase': some((order) => order.shippedAt !== null && order.shippedAt < order.purchasedAt),
    'shipped before approval': some(
      (order) => order.approvedAt !== null && (order.shippedAt ?? 9e15) < order.approvedAt,
    ),
    'delivered before shipped': some(
      (order) => order.deliveredAt !== null && order.shippedAt !== null && order.deliveredAt < order.shippedAt,
    ),
    late: some((order) => order.deliveredAt !== null && order.deliveredAt > (order.estimatedAt ?? 9e15)),
    'products without category': (market) => [...market.products.values()].some((product) => product.category === null),
    'categories without translation': (market) =>
      [...market.products.values()].some((product) => untranslated.some((category) => category === product.category)),
    'a hot seller': (market) =>
      most(market.orders.flatMap((order) => order.items.map((item) => item.sellerId))) >
      5 * (2_000 / market.sellers.size),
    'a hot state': (market) => most([...market.customers.values()].map((customer) => customer.state)) > 600,
    'a hot day': (market) =>
      most(market.orders.map((order) => new Date(order.purchasedAt).toISOString().slice(0, 10))) >= 20,
    'zips with leading zeros': (market) =>
      [...market.customers.values()].some((customer) => customer.zip.startsWith('0')),
    'cities beyond ASCII': (market) => [...market.customers.values()].some((customer) => /[^ -~]/.test(customer.city)),
  }

  test.each(Object.entries(quirks))('%s', (_, holds) => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3, 4, 5), (seed) => holds(marketOf(seed))),
      { numRuns: 5 },
    )
  })

  const made = new Map<number, Marketplace>()
  function marketOf(seed: number): Marketplace {
    const market = made.get(seed) ?? generateMarketplace({ orders: 2_000, seed: seed * 7_919 })
    made.set(seed, market)
    return market
  }
})
