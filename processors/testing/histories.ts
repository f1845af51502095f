import fc from 'fast-check'
import { Catalog, Customers, Orders, Payments, Reviews, Shipping } from '#schemas/topics.ts'
import type { EventsTopic } from '../../packages/tributary/contracts/topic.ts'
import * as given from './given.ts'

/** An event of a random history; null data is a tombstone. */
export interface Step {
  readonly topic: EventsTopic
  readonly key: string
  readonly name: string | null
  readonly data: unknown
}

const DAY_MS = 86_400_000
const START = Date.UTC(2018, 0, 1)

const orderId = fc.constantFrom('o1', 'o2', 'o3', 'o4', 'o5')
const customerId = fc.constantFrom('c1', 'c2', 'c3')
const uniqueId = fc.constantFrom('u1', 'u2')
const productId = fc.constantFrom('p1', 'p2', 'p3')
const sellerId = fc.constantFrom('s1', 's2')
const category = fc.constantFrom(null, 'brinquedos', 'livros')
const state = fc.constantFrom('SP', 'RJ')
const cents = fc.integer({ min: 0, max: 5_000 })
const time = fc.integer({ min: 0, max: 4 }).map((days) => START + days * DAY_MS)
const maybeTime = fc.option(time, { nil: null })
const sequence = fc.integer({ min: 1, max: 3 })
const reviewId = fc.constantFrom('r1', 'r2')

const items = fc
  .array(fc.record({ productId, sellerId, priceCents: cents, freightCents: cents }), { maxLength: 3 })
  .map((list) => list.map((item, i) => ({ ...item, itemNo: list.length - i, shipBy: null })))

const on = <T extends { key: string; name: string; data: unknown }>(topic: EventsTopic, event: fc.Arbitrary<T>) =>
  event.map(({ key, name, data }): Step => ({ topic, key, name, data }))
const erased = (topic: EventsTopic, key: fc.Arbitrary<string>) =>
  key.map((key): Step => ({ topic, key, name: null, data: null }))

/** One step of a marketplace's history: any event of any service, for few aggregates, so that they meet often. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: on(
      Orders,
      fc.record({ orderId, customerId, purchasedAt: time, estimatedAt: maybeTime, items }).map(given.orderPlaced),
    ),
  },
  { weight: 1, arbitrary: on(Orders, fc.record({ orderId }).map(given.orderApproved)) },
  { weight: 1, arbitrary: on(Orders, fc.record({ orderId }).map(given.orderShipped)) },
  { weight: 2, arbitrary: on(Orders, fc.record({ orderId }).map(given.orderCanceled)) },
  { weight: 1, arbitrary: on(Orders, fc.record({ orderId }).map(given.orderUnavailable)) },
  { weight: 1, arbitrary: erased(Orders, orderId) },
  { weight: 3, arbitrary: on(Customers, fc.record({ customerId, uniqueId, state }).map(given.customerRegistered)) },
  { weight: 2, arbitrary: on(Customers, fc.record({ customerId, state }).map(given.customerMoved)) },
  { weight: 1, arbitrary: erased(Customers, customerId) },
  { weight: 3, arbitrary: on(Catalog, fc.record({ productId, category }).map(given.productListed)) },
  { weight: 3, arbitrary: on(Catalog, fc.record({ productId, category }).map(given.productCategorised)) },
  {
    weight: 2,
    arbitrary: on(
      Catalog,
      fc
        .record({ category: fc.constantFrom('brinquedos', 'livros'), english: fc.constantFrom('toys', 'books') })
        .map(given.categoryTranslated),
    ),
  },
  { weight: 2, arbitrary: on(Catalog, fc.record({ sellerId, state }).map(given.sellerJoined)) },
  { weight: 1, arbitrary: on(Catalog, fc.record({ sellerId, state }).map(given.sellerMoved)) },
  {
    weight: 1,
    arbitrary: erased(
      Catalog,
      fc.oneof(
        productId.map((id) => `product/${id}`),
        sellerId.map((id) => `seller/${id}`),
      ),
    ),
  },
  { weight: 4, arbitrary: on(Payments, fc.record({ orderId, sequence, cents }).map(given.paymentReceived)) },
  { weight: 2, arbitrary: on(Payments, fc.record({ orderId, sequence }).map(given.paymentReversed)) },
  { weight: 2, arbitrary: on(Shipping, fc.record({ orderId, sellerId }).map(given.shipmentPrepared)) },
  {
    weight: 2,
    arbitrary: on(Shipping, fc.record({ orderId, sellerId, shippedAt: maybeTime }).map(given.shipmentShipped)),
  },
  {
    weight: 2,
    arbitrary: on(Shipping, fc.record({ orderId, sellerId, deliveredAt: maybeTime }).map(given.shipmentDelivered)),
  },
  {
    weight: 3,
    arbitrary: on(
      Reviews,
      fc.record({ orderId, reviewId, score: fc.integer({ min: 1, max: 5 }), createdAt: time }).map(given.reviewWritten),
    ),
  },
  { weight: 2, arbitrary: on(Reviews, fc.record({ orderId, reviewId, answeredAt: time }).map(given.reviewAnswered)) },
  { weight: 1, arbitrary: on(Reviews, fc.record({ orderId, reviewId }).map(given.reviewWithdrawn)) },
)
