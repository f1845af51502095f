import type { Plain } from 'tributary/contracts'
import type { CustomerRow, OrderRow, SalesRow, SellerRow } from '#schemas/contracts.generated.ts'

/** Rows of the four read models that belong together, for tests of what reads them. */
export interface Sample {
  readonly orders: readonly Plain<OrderRow>[]
  readonly sales: readonly Plain<SalesRow>[]
  readonly customers: readonly Plain<CustomerRow>[]
  readonly sellers: readonly Plain<SellerRow>[]
}

const DAY_MS = 86_400_000
const FROM = Date.UTC(2018, 0, 1)
const PLACES = [
  ['são paulo', 'SP'],
  ['campinas', 'SP'],
  ['rio de janeiro', 'RJ'],
  ['belo horizonte', 'MG'],
  ['porto alegre', 'RS'],
  ['curitiba', 'PR'],
  ['salvador', 'BA'],
  ['recife', 'PE'],
] as const
const CATEGORIES = ['bed_bath_table', 'health_beauty', 'toys', 'watches_gifts', 'garden_tools', 'perfumery', 'unknown']
const MEANS = ['credit_card', 'boleto', 'voucher', 'debit_card']

/** A seeded sample of orders and what the other read models make of them. */
export function sampleRows(count: number, days = 90, seed = 1): Sample {
  const random = generator(seed)
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() ** 1.7 * from.length)]!
  const orders = Array.from({ length: count }, (_, i): Plain<OrderRow> => {
    const purchasedAt = FROM + Math.floor(random() * days) * DAY_MS + Math.floor(random() * DAY_MS)
    const status = pick(['delivered', 'delivered', 'delivered', 'shipped', 'invoiced', 'canceled', 'unavailable'])
    const [city, state] = pick(PLACES)
    const estimatedAt = purchasedAt + 20 * DAY_MS
    const deliveredAt = status === 'delivered' ? purchasedAt + Math.floor((3 + random() * 22) * DAY_MS) : null
    const items = Array.from({ length: 1 + Math.floor(random() ** 3 * 4) }, (_, n) => ({
      itemNo: n + 1,
      productId: `product${String(Math.floor(random() * 300)).padStart(6, '0')}`,
      category: pick(CATEGORIES),
      sellerId: `seller${String(Math.floor(random() ** 2 * 40)).padStart(6, '0')}`,
      priceCents: 990 + Math.floor(random() ** 3 * 60_000),
      freightCents: 500 + Math.floor(random() * 3_000),
      shipBy: purchasedAt + 5 * DAY_MS,
    }))
    const itemsCents = items.reduce((sum, item) => sum + item.priceCents, 0)
    const freightCents = items.reduce((sum, item) => sum + item.freightCents, 0)
    const totalCents = itemsCents + freightCents
    const paidCents = random() < 0.05 ? totalCents - 1 : totalCents
    return {
      orderId: `${hex(i)}${hex(i * 7 + seed)}${hex(i * 13)}${hex(i * 31)}`,
      status,
      purchasedAt,
      approvedAt: purchasedAt + 3_600_000,
      shippedAt: ['delivered', 'shipped'].includes(status) ? purchasedAt + 2 * DAY_MS : null,
      deliveredAt,
      estimatedAt,
      customer: {
        customerId: `customer${i}`,
        uniqueId: `person${Math.floor(i * 0.92)}`,
        city,
        state,
        zip: String(1_000 + i).padStart(5, '0'),
      },
      items,
      itemCount: items.length,
      itemsCents,
      freightCents,
      totalCents,
      payments: [{ sequence: 1, type: pick(MEANS), installments: 1 + Math.floor(random() * 9), cents: paidCents }],
      paidCents,
      balanceCents: paidCents - totalCents,
      reviewScore: random() < 0.9 ? 5 - Math.floor(random() ** 3 * 5) : null,
      late: deliveredAt === null ? null : deliveredAt > estimatedAt,
      deliveryDays: deliveredAt === null ? null : Math.floor((deliveredAt - purchasedAt) / DAY_MS),
    }
  })
  return sampleOf(orders)
}

/** Orders, and what the other read models make of them. */
export function sampleOf(orders: readonly Plain<OrderRow>[]): Sample {
  return { orders, sales: salesOf(orders), customers: customersOf(orders), sellers: sellersOf(orders) }
}

const counts = (order: Plain<OrderRow>) =>
  order.purchasedAt !== null && order.status !== 'canceled' && order.status !== 'unavailable'
const mean = (scores: readonly number[]) =>
  scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length
const scoresOf = (orders: readonly Plain<OrderRow>[]) =>
  mean(orders.flatMap((o) => (o.reviewScore === null ? [] : [o.reviewScore])))

function salesOf(orders: readonly Plain<OrderRow>[]): Plain<SalesRow>[] {
  const sales = new Map<string, Plain<SalesRow>>()
  for (const order of orders.filter(counts)) {
    const day = new Date(order.purchasedAt!).toISOString().slice(0, 10)
    const state = order.customer!.state!
    const seen = new Set<string>()
    for (const { category, priceCents, freightCents } of order.items) {
      const key = `${day}|${state}|${category}`
      const row = sales.get(key) ?? { day, state, category, orders: 0, items: 0, revenueCents: 0, freightCents: 0 }
      sales.set(key, {
        ...row,
        orders: row.orders + (seen.has(key) ? 0 : 1),
        items: row.items + 1,
        revenueCents: row.revenueCents + priceCents,
        freightCents: row.freightCents + freightCents,
      })
      seen.add(key)
    }
  }
  return [...sales.values()]
}

function customersOf(orders: readonly Plain<OrderRow>[]): Plain<CustomerRow>[] {
  const known = orders.filter((order) => order.purchasedAt !== null)
  const people = Map.groupBy(known, (order) => order.customer!.uniqueId!)
  return Array.from(people, ([uniqueId, theirs]) => ({
    uniqueId,
    orders: theirs.length,
    spentCents: theirs.reduce((sum, order) => sum + order.paidCents, 0),
    firstOrderAt: Math.min(...theirs.map((order) => order.purchasedAt!)),
    lastOrderAt: Math.max(...theirs.map((order) => order.purchasedAt!)),
    averageScore: scoresOf(theirs),
    states: [...new Set(theirs.map((order) => order.customer!.state!))].sort(),
  }))
}

function sellersOf(orders: readonly Plain<OrderRow>[]): Plain<SellerRow>[] {
  const sold = orders.filter(counts).flatMap((order) => order.items.map((item) => ({ order, item })))
  return Array.from(
    Map.groupBy(sold, ({ item }) => item.sellerId),
    ([sellerId, theirs]) => {
      const distinct = [...new Set(theirs.map(({ order }) => order))]
      return {
        sellerId,
        city: 'ibitinga',
        state: 'SP',
        orders: distinct.length,
        items: theirs.length,
        revenueCents: theirs.reduce((sum, { item }) => sum + item.priceCents, 0),
        freightCents: theirs.reduce((sum, { item }) => sum + item.freightCents, 0),
        lateOrders: distinct.filter((order) => order.late).length,
        averageScore: scoresOf(distinct),
      }
    },
  )
}

const hex = (n: number) => ((n * 2_654_435_761) >>> 0).toString(16).padStart(8, '0')

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
