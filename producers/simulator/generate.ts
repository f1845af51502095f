import {
  byPurchase,
  type Customer,
  type Item,
  type Marketplace,
  type Order,
  type Payment,
  type Product,
  type Review,
  type Seller,
  type Status,
} from './marketplace.ts'
import { comments, states, titles, translated, untranslated } from './places.ts'
import { type Random, randomFrom } from './random.ts'

const SECOND = 1_000
const HOUR = 3_600 * SECOND
const DAY = 24 * HOUR
const OPENED = Date.UTC(2017, 0, 1)
const OPEN_DAYS = 600
/** The day of the great sale. */
const SALE_DAY = 327

/**
 * Makes up a marketplace with the shapes and the quirks of a real one. The same size and seed give the same; other
 * sizes or seeds share no id with it.
 *
 * A quirk is dealt out to a share of the orders, rounded but never to none (from 40 orders on), not left to chance:
 * a small marketplace has them all.
 */
export function generateMarketplace({ orders: size, seed }: { orders: number; seed: number }): Marketplace {
  const random = randomFrom(`${seed}/${size}`)
  const products = generateProducts(random, atLeastTwo(size / 3))
  const sellers = generateSellers(random, atLeastTwo(size / 32))
  const deal = dealer(random, size)
  const lives = generateStatuses(deal)
  const goods = { products: [...products.keys()], sellers: [...sellers.keys()] }
  const customers = generateCustomers(random, deal)
  const quirks = dealQuirks(deal, lives)
  const orders = lives.map((status, index) =>
    generateOrder(random, { status, customerId: (customers[index] as Customer).customerId, index, quirks, goods }),
  )
  shareReviewIds(orders, quirks.sharedReview)
  return {
    customers: new Map(customers.map((customer) => [customer.customerId, customer])),
    products,
    sellers,
    translations: new Map(Object.entries(translated)),
    orders: orders.sort(byPurchase),
  }
}

const atLeastTwo = (count: number) => Math.max(2, Math.ceil(count))

/** Deals a share of the orders, by index. `among` narrows who may be dealt. */
type Deal = (share: number, among?: (index: number) => boolean) => number[]

function dealer(random: Random, size: number): Deal {
  const everyone = Array.from({ length: size }, (_, index) => index)
  return (share, among = () => true) => {
    const count = size < 40 ? Math.round(share * size) : Math.max(1, Math.round(share * size))
    return random.shuffle(everyone.filter(among)).slice(0, count)
  }
}

const statusShares: readonly [Status, number][] = [
  ['shipped', 0.0111],
  ['canceled', 0.0063],
  ['unavailable', 0.0061],
  ['invoiced', 0.0032],
  ['processing', 0.003],
  ['created', 0.00005],
  ['approved', 0.00002],
]

function generateStatuses(deal: Deal): Status[] {
  const lives: Status[] = deal(1).map(() => 'delivered')
  for (const [status, share] of statusShares) {
    for (const index of deal(share, (index) => lives[index] === 'delivered')) lives[index] = status
  }
  return lives
}

/** Which orders have which quirk. */
function dealQuirks(deal: Deal, lives: readonly Status[]) {
  const of = (...wanted: Status[]) => {
    const set = new Set<Status>(wanted)
    return (index: number) => set.has(lives[index] as Status)
  }
  const set = (share: number, among?: (index: number) => boolean) => new Set(deal(share, among))
  const neverDated = set(0.0001, of('delivered'))
  const noPayment = set(0.00001, of('delivered'))
  const manyPayments = set(0.00001, (index) => of('delivered')(index) && !noPayment.has(index))
  const shippedWithoutItems = set(0.00001, of('shipped'))
  const canceledOnTheWay = set(0.0008, of('canceled'))
  const noReview = set(0.0077)
  const paid = (index: number) => !noPayment.has(index) && !manyPayments.has(index)
  return {
    noItems: new Set([
      ...set(0.0062, of('unavailable', 'created')),
      ...set(0.0016, (index) => of('canceled')(index) && !canceledOnTheWay.has(index)),
      ...shippedWithoutItems,
    ]),
    noPayment,
    manyPayments,
    noReview,
    moreReviews: set(0.0055, (index) => !noReview.has(index)),
    sharedReview: deal(0.008, (index) => !noReview.has(index)),
    undatedReview: set(0.0002, (index) => !noReview.has(index)),
    unanswered: set(0.0006, (index) => !noReview.has(index)),
    multiLine: set(0.039, (index) => !noReview.has(index)),
    earlyReview: set(0.0009, (index) => !noReview.has(index)),
    vouchers: set(0.03, paid),
    gapInPayments: set(0.0008, paid),
    zeroPayment: set(0.0001, paid),
    centsOff: set(0.006, paid),
    neverDated,
    neverApproved: set(0.00014, of('delivered')),
    neverShipped: set(0.00002, (index) => of('delivered')(index) && !neverDated.has(index)),
    canceledOnTheWay,
    canceledDelivered: set(0.00006, (index) => canceledOnTheWay.has(index)),
    shippedBeforePurchase: set(0.0017, of('delivered')),
    shippedBeforeApproval: set(0.0137, of('delivered')),
    deliveredBeforeShipped: set(0.0002, (index) => of('delivered')(index) && !neverDated.has(index)),
    late: set(0.08, of('delivered')),
    severalSellers: set(0.013, of('delivered')),
    onSaleDay: set(0.0118),
  }
}
type Quirks = ReturnType<typeof dealQuirks>

function generateCustomers(random: Random, deal: Deal): Customer[] {
  const home = () => {
    const place = states[random.weighted(states.map((state) => state.share))] as (typeof states)[number]
    const zip = place.zip + String(random.between(0, 99_999)).padStart(5, '0')
    return { zip: zip.slice(0, 5), city: random.pick<string>(place.cities), state: place.state }
  }
  const customers: Customer[] = deal(1).map(() => ({ customerId: random.id(), uniqueId: random.id(), ...home() }))
  const first = customers[0] as Customer | undefined
  if (first === undefined) return customers
  const becomes = (index: number, person: Customer, moved: boolean) => {
    const { uniqueId, zip, city, state } = person
    let place = { zip, city, state }
    while (moved && place.state === state) place = home()
    customers[index] = { customerId: (customers[index] as Customer).customerId, uniqueId, ...place }
  }
  // The best customer comes seventeen times where there are orders enough; others come back once or twice.
  const regular = deal(0.00017, (index) => index > 0)
  for (const index of regular.slice(0, 16)) becomes(index, first, false)
  const back = deal(0.034, (index) => index > 0 && !regular.includes(index))
  const moved = new Set(back.slice(0, Math.max(1, Math.round(back.length / 80))))
  for (const index of back) becomes(index, customers[random.between(0, index - 1)] as Customer, moved.has(index))
  return customers
}

function generateProducts(random: Random, count: number): Map<string, Product> {
  const categories = [...Object.keys(translated), ...untranslated]
  const weights = categories.map((_, rank) => 1 / (rank + 1))
  const products = Array.from({ length: count }, (_, index): Product => {
    // The first two are the quirks; after them chance.
    const bare = index === 0 || random.chance(0.0185)
    const strange = index === 1 || random.chance(0.0004)
    const category = strange ? random.pick(untranslated) : (categories[random.weighted(weights)] as string)
    const unmeasured = random.chance(0.0001)
    const size = (median: number) => (unmeasured ? null : Math.round(random.skewed(median, 0.8)))
    return {
      productId: random.id(),
      category: bare ? null : category,
      nameLength: bare ? null : random.between(5, 76),
      descriptionLength: bare ? null : Math.round(random.skewed(600, 0.8)),
      photos: bare ? null : 1 + Math.floor(random.skewed(1, 0.6)),
      weightG: size(700),
      lengthCm: size(25),
      heightCm: size(13),
      widthCm: size(20),
    }
  })
  return new Map(products.map((product) => [product.productId, product]))
}

function generateSellers(random: Random, count: number): Map<string, Seller> {
  const sellers = Array.from({ length: count }, (): Seller => {
    const place = states[random.weighted(states.map((state) => state.share ** 1.3))] as (typeof states)[number]
    const zip = place.zip + String(random.between(0, 99_999)).padStart(5, '0')
    return { sellerId: random.id(), zip: zip.slice(0, 5), city: random.pick<string>(place.cities), state: place.state }
  })
  return new Map(sellers.map((seller) => [seller.sellerId, seller]))
}

interface Draft {
  readonly status: Status
  readonly customerId: string
  readonly index: number
  readonly quirks: Quirks
  readonly goods: { readonly products: readonly string[]; readonly sellers: readonly string[] }
}

function generateOrder(random: Random, draft: Draft): Order & { reviews: Review[] } {
  const { status, customerId, index, quirks } = draft
  const times = generateTimes(random, draft)
  const items = quirks.noItems.has(index) ? [] : generateItems(random, draft, times.purchasedAt)
  const total = items.reduce((sum, item) => sum + item.priceCents + item.freightCents, 0)
  return {
    orderId: random.id(),
    customerId,
    status,
    ...times,
    items,
    payments: generatePayments(random, draft, total > 0 ? total : random.between(2_000, 20_000)),
    reviews: generateReviews(random, draft, times),
  }
}

function generateTimes(random: Random, { status, index, quirks }: Draft) {
  // More orders on each day than on the one before.
  const day = quirks.onSaleDay.has(index) ? SALE_DAY : Math.floor(OPEN_DAYS * Math.sqrt(random.next()))
  const purchasedAt = OPENED + day * DAY + random.between(0, DAY / SECOND - 1) * SECOND
  const after = (from: number, medianHours: number) =>
    from + Math.round((random.skewed(medianHours, 0.9) * HOUR) / SECOND) * SECOND
  const approved = after(purchasedAt, 0.5)
  const shipped = quirks.shippedBeforePurchase.has(index)
    ? purchasedAt - random.between(1, 72) * HOUR
    : quirks.shippedBeforeApproval.has(index)
      ? approved - random.between(1, 3_600) * SECOND
      : after(approved, 48)
  const delivered = quirks.deliveredBeforeShipped.has(index)
    ? shipped - random.between(1, 24) * HOUR
    : after(shipped, 170)
  const promised = quirks.late.has(index) ? delivered - random.between(1, 10) * DAY : delivered + 11 * DAY
  const onTheWay = quirks.canceledOnTheWay.has(index)
  const isApproved = status === 'canceled' ? onTheWay || !quirks.noItems.has(index) : status !== 'created'
  const isShipped = status === 'delivered' ? !quirks.neverShipped.has(index) : status === 'shipped' || onTheWay
  const isDelivered =
    status === 'delivered' ? !quirks.neverDated.has(index) : onTheWay && quirks.canceledDelivered.has(index)
  return {
    purchasedAt,
    approvedAt: isApproved && !quirks.neverApproved.has(index) ? approved : null,
    shippedAt: isShipped ? shipped : null,
    deliveredAt: isDelivered ? delivered : null,
    estimatedAt: Math.floor(promised / DAY) * DAY,
  }
}

/** How many orders have 1, 2, 3 … items. */
const itemCounts = [900, 76, 13, 5, 2, 2]

function generateItems(random: Random, { index, quirks, goods }: Draft, purchasedAt: number): Item[] {
  // Few sell much: the first in the list are the hottest.
  const hot = <T>(list: readonly T[]): T => list[Math.floor(list.length * random.next() ** 3)] as T
  const count = 1 + random.weighted(itemCounts) + (quirks.severalSellers.has(index) ? 1 : 0)
  let [productId, sellerId] = [hot(goods.products), hot(goods.sellers)]
  return Array.from({ length: count }, (_, at): Item => {
    if (at > 0 && random.chance(0.3)) productId = hot(goods.products)
    if (at === 1 && quirks.severalSellers.has(index)) {
      sellerId = random.pick(goods.sellers.filter((other) => other !== sellerId))
    }
    return {
      itemNo: at + 1,
      productId,
      sellerId,
      priceCents: Math.max(85, Math.round(random.skewed(7_500, 0.9))),
      freightCents: random.chance(0.004) ? 0 : Math.round(random.skewed(1_630, 0.6)),
      shipBy: purchasedAt + random.between(3, 9) * DAY,
    }
  })
}

const paymentTypes = ['credit_card', 'boleto', 'debit_card'] as const

function generatePayments(random: Random, { index, quirks, status }: Draft, total: number): Payment[] {
  if (quirks.noPayment.has(index)) return []
  const type = paymentTypes[random.weighted([77, 20, 2])] as string
  const installments = type === 'credit_card' ? random.pick([1, 1, 1, 2, 3, 4, 5, 6, 8, 10, 24]) : 1
  const owed = total + (quirks.centsOff.has(index) ? random.pick([-1, 1]) : 0)
  const vouchers = quirks.manyPayments.has(index) ? 28 : quirks.vouchers.has(index) ? random.between(1, 3) : 0
  const each = Math.floor(owed / (vouchers + 1))
  const parts = Array.from({ length: vouchers }, () => ({ type: 'voucher', installments: 1, cents: each }))
  parts.unshift({ type, installments, cents: owed - each * vouchers })
  if (quirks.zeroPayment.has(index)) {
    parts.push({ type: status === 'canceled' ? 'not_defined' : 'voucher', installments: 1, cents: 0 })
  }
  const gap = quirks.gapInPayments.has(index) ? 1 : 0
  return parts.map((part, at) => ({ sequence: at + 1 + gap, ...part }))
}

function generateReviews(random: Random, draft: Draft, times: ReturnType<typeof generateTimes>): Review[] {
  const { index, quirks, status } = draft
  if (quirks.noReview.has(index)) return []
  const count = quirks.moreReviews.has(index) ? random.pick([2, 2, 2, 3]) : 1
  return Array.from({ length: count }, (): Review => {
    const after = quirks.earlyReview.has(index) ? times.purchasedAt - 5 * DAY : (times.deliveredAt ?? times.estimatedAt)
    const createdAt = (Math.floor(after / DAY) + random.between(1, 3)) * DAY
    const words = random.chance(0.35) || quirks.multiLine.has(index)
    const lines = quirks.multiLine.has(index) ? random.between(2, 4) : 1
    const undated = quirks.undatedReview.has(index)
    return {
      reviewId: random.id(),
      score: 1 + random.weighted(status === 'delivered' ? [9, 3, 8, 20, 60] : [70, 10, 8, 4, 8]),
      title: random.chance(0.12) ? random.pick(titles) : null,
      comment: words ? Array.from({ length: lines }, () => random.pick(comments)).join('\r\n') : null,
      createdAt: undated ? null : createdAt,
      answeredAt: undated || quirks.unanswered.has(index) ? null : createdAt + random.between(60, 400_000) * SECOND,
    }
  }).sort((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0) || (a.reviewId < b.reviewId ? -1 : 1))
}

/** Some reviews of one customer have one id over several orders: each order of the list gets that of its neighbour. */
function shareReviewIds(orders: readonly { reviews: Review[] }[], shared: readonly number[]): void {
  for (let at = 0; at + 1 < shared.length || (at === 0 && shared.length === 1); at += 2) {
    const first = (orders[shared[at] as number] as { reviews: Review[] }).reviews[0]
    const otherAt =
      shared[at + 1] ?? orders.findIndex((order) => order.reviews.length === 1 && order.reviews[0] !== first)
    const reviews = orders[otherAt]?.reviews
    if (first === undefined || reviews?.[0] === undefined) continue
    reviews[0] = { ...reviews[0], reviewId: first.reviewId }
  }
}
