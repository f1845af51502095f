import type { Id, Instant } from 'tributary/contracts'
import { topology } from 'tributary/engine'
import type { OrderedItem, OrderRow } from '#schemas/contracts.generated.ts'
import { categoryKey, productKey } from '#schemas/keys.ts'
import { Catalog, Customers, OrderRows, Orders, Payments, Reviews, Shipping } from '#schemas/topics.ts'
import { orderRow } from './order-row.ts'

/** An order as the orders service tells it. */
export interface Order {
  readonly customerId: Id<'customer'>
  readonly status: string
  readonly purchasedAt: Instant
  readonly approvedAt: Instant | null
  readonly estimatedAt: Instant | null
  readonly items: readonly OrderedItem[]
}
export interface Customer {
  readonly uniqueId: Id<'person'>
  readonly city: string
  readonly state: string
  readonly zip: string
}
export interface Payment {
  readonly orderId: Id<'order'>
  readonly sequence: number
  readonly type: string
  readonly installments: number
  readonly cents: number
}
export interface Shipment {
  readonly orderId: Id<'order'>
  readonly shippedAt: Instant | null
  readonly deliveredAt: Instant | null
  readonly delivered: boolean
}
interface Review {
  readonly orderId: Id<'order'>
  readonly reviewId: Id<'review'>
  readonly score: number
  /** When it was answered, else written. */
  readonly at: Instant
}

const turned = (status: string) => (order: Order | undefined) => order && { ...order, status }

/** Every order with all of its parts, from the six services' events. */
export const ordersTopology = topology('orders', ({ events, combine }) => {
  const orders = events(Orders).evolve<Order>(
    {
      OrderPlaced: (_, { customerId, purchasedAt, estimatedAt, items }) => ({
        customerId,
        purchasedAt,
        estimatedAt,
        items,
        status: 'created',
        approvedAt: null,
      }),
      OrderApproved: (order, { approvedAt }) => order && { ...order, status: 'approved', approvedAt },
      OrderInvoiced: turned('invoiced'),
      OrderProcessing: turned('processing'),
      OrderShipped: turned('shipped'),
      OrderDelivered: turned('delivered'),
      OrderCanceled: turned('canceled'),
      OrderUnavailable: turned('unavailable'),
    },
    { name: 'orders' },
  )

  const customers = events(Customers).evolve<Customer>(
    {
      CustomerRegistered: (_, { uniqueId, city, state, zip }) => ({ uniqueId, city, state, zip }),
      CustomerMoved: (customer, { city, state, zip }) => customer && { ...customer, city, state, zip },
    },
    { name: 'customers' },
  )

  const translations = events(Catalog)
    .only('CategoryTranslated')
    .evolve<{ english: string }>({ CategoryTranslated: (_, { english }) => ({ english }) }, { name: 'translations' })

  const products = events(Catalog)
    .only('ProductListed', 'ProductCategorised')
    .evolve<{ category: string | null }>(
      {
        ProductListed: (_, { category }) => ({ category }),
        ProductCategorised: (product, { category }) => product && { category },
      },
      { name: 'products' },
    )
    .leftJoin(translations, {
      name: 'product-categories',
      on: ({ category }) => (category === null ? null : categoryKey(category)),
      select: (product, translation) => ({ category: translation?.english ?? product.category }),
    })

  const items = orders
    .flatMap((order) => order.items, { by: (item) => item.itemNo })
    .leftJoin(products, {
      name: 'item-products',
      on: (item) => productKey(item.productId),
      select: (item, product) => ({ ...item, category: product?.category ?? 'unknown' }),
    })
    .backToParent({ name: 'items' })
    .summarise((a) => ({ all: a.collect({ select: (item) => item, by: (item) => item.itemNo }) }))

  const payments = events(Payments)
    .evolve<Payment>(
      {
        PaymentReceived: (_, { orderId, sequence, type, installments, cents }) => ({
          orderId,
          sequence,
          type,
          installments,
          cents,
        }),
        PaymentReversed: () => null,
      },
      { name: 'payments' },
    )
    .groupBy((payment) => payment.orderId, { name: 'payments-of-orders' })
    .summarise((a) => ({
      all: a.collect({
        select: ({ sequence, type, installments, cents }) => ({ sequence, type, installments, cents }),
        by: (payment) => payment.sequence,
      }),
    }))

  const shipments = events(Shipping)
    .evolve<Shipment>(
      {
        ShipmentPrepared: (shipment, { orderId }) =>
          shipment ?? { orderId, shippedAt: null, deliveredAt: null, delivered: false },
        ShipmentShipped: (shipment, { orderId, shippedAt }) => ({
          orderId,
          shippedAt,
          deliveredAt: shipment?.deliveredAt ?? null,
          delivered: shipment?.delivered ?? false,
        }),
        ShipmentDelivered: (shipment, { orderId, deliveredAt }) => ({
          orderId,
          shippedAt: shipment?.shippedAt ?? null,
          deliveredAt,
          delivered: true,
        }),
      },
      { name: 'shipments' },
    )
    .groupBy((shipment) => shipment.orderId, { name: 'shipments-of-orders' })
    .summarise((a) => ({
      count: a.count(),
      delivered: a.count((shipment) => shipment.delivered),
      shippedAt: a.min((shipment) => shipment.shippedAt),
      deliveredAt: a.max((shipment) => shipment.deliveredAt),
    }))

  const reviews = events(Reviews)
    .evolve<Review>(
      {
        ReviewWritten: (_, { orderId, reviewId, score, createdAt }) => ({ orderId, reviewId, score, at: createdAt }),
        ReviewAnswered: (review, { answeredAt }) => review && { ...review, at: answeredAt },
        ReviewWithdrawn: () => null,
      },
      { name: 'reviews' },
    )
    .groupBy((review) => review.orderId, { name: 'reviews-of-orders' })
    .summarise((a) => ({
      last: a.top(1, {
        select: ({ reviewId, score, at }) => ({ reviewId, score, at }),
        by: (review) => [review.at, review.reviewId],
      }),
    }))

  const placed = orders.leftJoin(customers, {
    name: 'order-customers',
    on: (order) => order.customerId,
    select: (order, customer) => ({ order, customer }),
  })

  return combine(
    { placed, items, payments, shipments, reviews },
    ({ placed, items, payments, shipments, reviews }, orderId): OrderRow =>
      orderRow(orderId, {
        ...placed,
        items: items?.all,
        payments: payments?.all,
        shipments,
        review: reviews?.last[0],
      }),
    { name: 'order-rows' },
  ).to(OrderRows)
})
