import type { Plain } from 'tributary/contracts'
import type * as c from '#schemas/contracts.generated.ts'

/**
 * Builders of events for given–when–then tests: the record key is worked out, every field has a default, and times
 * may be written as RFC 3339 texts.
 */

const at = (time: string | number) => (typeof time === 'number' ? time : Date.parse(time))

type Item = Partial<Plain<c.OrderedItem>>

export function orderPlaced(o: {
  orderId: string
  customerId?: string
  purchasedAt?: string | number
  estimatedAt?: string | number | null
  items?: readonly Item[]
}) {
  const {
    orderId,
    customerId = `customer-of-${o.orderId}`,
    purchasedAt = '2018-08-07T10:00:00Z',
    estimatedAt = null,
  } = o
  const items = (o.items ?? [{}]).map((item, i) => ({
    itemNo: i + 1,
    productId: 'p1',
    sellerId: 's1',
    priceCents: 1_000,
    freightCents: 100,
    shipBy: null,
    ...item,
  }))
  const data: Plain<c.OrderPlaced> = {
    orderId,
    customerId,
    purchasedAt: at(purchasedAt),
    estimatedAt: estimatedAt === null ? null : at(estimatedAt),
    items,
  }
  return { key: orderId, name: 'OrderPlaced' as const, data }
}

export const orderApproved = (o: { orderId: string; approvedAt?: string | null }) => ({
  key: o.orderId,
  name: 'OrderApproved' as const,
  data: { orderId: o.orderId, approvedAt: o.approvedAt ? at(o.approvedAt) : null },
})

const orderEvent =
  <Name extends string>(name: Name) =>
  ({ orderId }: { orderId: string }) => ({ key: orderId, name, data: { orderId } })

export const orderInvoiced = orderEvent('OrderInvoiced')
export const orderProcessing = orderEvent('OrderProcessing')
export const orderShipped = orderEvent('OrderShipped')
export const orderDelivered = orderEvent('OrderDelivered')
export const orderCanceled = orderEvent('OrderCanceled')
export const orderUnavailable = orderEvent('OrderUnavailable')

export function customerRegistered(o: Partial<Plain<c.CustomerRegistered>> & { customerId: string }) {
  const data = { uniqueId: `person-${o.customerId}`, zip: '01000', city: 'sao paulo', state: 'SP', ...o }
  return { key: o.customerId, name: 'CustomerRegistered' as const, data }
}
export function customerMoved(o: Partial<Plain<c.CustomerMoved>> & { customerId: string }) {
  const data = { zip: '20000', city: 'rio de janeiro', state: 'RJ', ...o }
  return { key: o.customerId, name: 'CustomerMoved' as const, data }
}

export function productListed(o: { productId: string; category?: string | null }) {
  const data: Plain<c.ProductListed> = {
    productId: o.productId,
    category: o.category ?? null,
    nameLength: null,
    descriptionLength: null,
    photos: null,
    weightG: null,
    lengthCm: null,
    heightCm: null,
    widthCm: null,
  }
  return { key: `product/${o.productId}`, name: 'ProductListed' as const, data }
}
export const productCategorised = (o: { productId: string; category: string | null }) => ({
  key: `product/${o.productId}`,
  name: 'ProductCategorised' as const,
  data: o,
})
export const categoryTranslated = (o: { category: string; english: string }) => ({
  key: `category/${o.category}`,
  name: 'CategoryTranslated' as const,
  data: o,
})
export function sellerJoined(o: Partial<Plain<c.SellerJoined>> & { sellerId: string }) {
  const data = { zip: '01000', city: 'sao paulo', state: 'SP', ...o }
  return { key: `seller/${o.sellerId}`, name: 'SellerJoined' as const, data }
}
export function sellerMoved(o: Partial<Plain<c.SellerMoved>> & { sellerId: string }) {
  const data = { zip: '30000', city: 'belo horizonte', state: 'MG', ...o }
  return { key: `seller/${o.sellerId}`, name: 'SellerMoved' as const, data }
}

export function paymentReceived(o: Partial<Plain<c.PaymentReceived>> & { orderId: string }) {
  const data = { sequence: 1, type: 'credit_card', installments: 1, cents: 1_100, ...o }
  return { key: `${o.orderId}/${data.sequence}`, name: 'PaymentReceived' as const, data }
}
export const paymentReversed = (o: { orderId: string; sequence: number }) => ({
  key: `${o.orderId}/${o.sequence}`,
  name: 'PaymentReversed' as const,
  data: o,
})

interface ShipmentOf {
  orderId: string
  sellerId?: string | null
}
const shipment = ({ orderId, sellerId = 's1' }: ShipmentOf) => {
  const shipmentId = `${orderId}-${sellerId ?? 'none'}`
  return { shipmentId, orderId, sellerId }
}
export const shipmentPrepared = (o: ShipmentOf) => {
  const data = shipment(o)
  return { key: data.shipmentId, name: 'ShipmentPrepared' as const, data }
}
export const shipmentShipped = (o: ShipmentOf & { shippedAt?: string | number | null }) => {
  const data = { ...shipment(o), shippedAt: o.shippedAt == null ? null : at(o.shippedAt) }
  return { key: data.shipmentId, name: 'ShipmentShipped' as const, data }
}
export const shipmentDelivered = (o: ShipmentOf & { deliveredAt?: string | number | null }) => {
  const data = { ...shipment(o), deliveredAt: o.deliveredAt == null ? null : at(o.deliveredAt) }
  return { key: data.shipmentId, name: 'ShipmentDelivered' as const, data }
}

export function reviewWritten(o: { orderId: string; reviewId?: string; score?: number; createdAt?: string | number }) {
  const { orderId, reviewId = 'r1', score = 5, createdAt = '2018-08-20T00:00:00Z' } = o
  const data = { orderId, reviewId, score, title: null, comment: null, createdAt: at(createdAt) }
  return { key: `${orderId}/${reviewId}`, name: 'ReviewWritten' as const, data }
}
export const reviewAnswered = (o: { orderId: string; reviewId?: string; answeredAt: string | number }) => {
  const { orderId, reviewId = 'r1' } = o
  return {
    key: `${orderId}/${reviewId}`,
    name: 'ReviewAnswered' as const,
    data: { orderId, reviewId, answeredAt: at(o.answeredAt) },
  }
}
export const reviewWithdrawn = (o: { orderId: string; reviewId?: string }) => {
  const { orderId, reviewId = 'r1' } = o
  return { key: `${orderId}/${reviewId}`, name: 'ReviewWithdrawn' as const, data: { orderId, reviewId } }
}

/** An order's row, as the orders topology writes it. */
export function orderRowOf(o: Partial<Plain<c.OrderRow>> & { orderId: string }): Plain<c.OrderRow> {
  const items = o.items ?? []
  const itemsCents = items.reduce((sum, item) => sum + item.priceCents, 0)
  const freightCents = items.reduce((sum, item) => sum + item.freightCents, 0)
  return {
    status: 'created',
    purchasedAt: Date.parse('2018-08-07T10:00:00Z'),
    approvedAt: null,
    shippedAt: null,
    deliveredAt: null,
    estimatedAt: null,
    customer: { customerId: `c-${o.orderId}`, uniqueId: 'u1', city: 'sao paulo', state: 'SP', zip: '01000' },
    items,
    itemCount: items.length,
    itemsCents,
    freightCents,
    totalCents: itemsCents + freightCents,
    payments: [],
    paidCents: 0,
    balanceCents: -itemsCents - freightCents,
    reviewScore: null,
    late: null,
    deliveryDays: null,
    ...o,
  }
}
/** An item of an order's row. */
export const itemOf = (o: Partial<Plain<c.OrderRowItem>> = {}): Plain<c.OrderRowItem> => ({
  itemNo: 1,
  productId: 'p1',
  category: 'toys',
  sellerId: 's1',
  priceCents: 1_000,
  freightCents: 100,
  shipBy: null,
  ...o,
})
