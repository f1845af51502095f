import { hash } from 'node:crypto'
import { type Customer, type Marketplace, type Order, type Product, type Seller, shipmentsOf } from './marketplace.ts'

export const services = ['customers', 'catalog', 'orders', 'payments', 'shipping', 'reviews'] as const
export type Service = (typeof services)[number]

/** What a command does: one business transaction of one service, one event. */
export const kinds = [
  'translate',
  'register',
  'list',
  'join',
  'place',
  'pay',
  'approve',
  'invoice',
  'process',
  'prepare',
  'ship',
  'deliver',
  'review',
  'answer',
  'cancel',
  'unavailable',
] as const
export type Kind = (typeof kinds)[number]

/** An HTTP request to a service. The same command always has the same key, in every run. */
export interface Command {
  readonly kind: Kind
  readonly service: Service
  readonly method: 'POST' | 'PUT'
  readonly path: string
  /** JSON. */
  readonly body: string
  readonly key: string
}

/** A thing orders refer to, told to its service once before the first of them. */
export interface Master {
  /** Unique over all kinds: `product/<id>`. */
  readonly id: string
  command(): Command
}

/**
 * What must be known before the order is placed: its customer, its sellers, its products, each after the translation
 * of its category.
 */
export function mastersOf(market: Marketplace, order: Order): Master[] {
  const masters = new Map<string, Master>()
  const add = (master: Master) => masters.set(master.id, master)
  add(customerMaster(present(market.customers, order.customerId, 'customer', order)))
  for (const item of order.items) {
    add(sellerMaster(present(market.sellers, item.sellerId, 'seller', order)))
    const product = present(market.products, item.productId, 'product', order)
    const english = product.category === null ? undefined : market.translations.get(product.category)
    if (english !== undefined) add(translationMaster(product.category as string, english))
    add(productMaster(product))
  }
  return [...masters.values()]
}

/** What the marketplace has and no order refers to. */
export function mastersWithoutOrder(market: Marketplace): Master[] {
  const used = new Set(market.orders.flatMap((order) => mastersOf(market, order).map((master) => master.id)))
  const rest: Master[] = []
  const add = (master: Master) => {
    if (!used.has(master.id)) rest.push(master)
  }
  for (const [category, english] of market.translations) add(translationMaster(category, english))
  for (const product of market.products.values()) add(productMaster(product))
  for (const seller of market.sellers.values()) add(sellerMaster(seller))
  for (const customer of market.customers.values()) add(customerMaster(customer))
  return rest
}

/**
 * An order's life as commands, in causal order; each may be sent once the one before was answered. At its end the
 * order has the status of the file:
 * - from `approved` on it was approved, at an unknown time where none is given (a canceled or unavailable order only
 *   where a time is given);
 * - `processing` comes by way of `invoiced`; orders that went further passed both unrecorded, as their times say;
 * - the order service learns `shipped` and `delivered` from the shipments;
 * - a delivered order was shipped and delivered, at unknown times where none are given; a canceled one exactly as far
 *   as times are given, before it was canceled.
 */
export function commandsOf(order: Order): Command[] {
  const { orderId, status } = order
  const at = `/orders/${encodeURIComponent(orderId)}`
  const commands: Command[] = [place(order)]
  for (const { sequence, type, installments, cents } of order.payments) {
    commands.push(post('pay', 'payments', '/payments', { orderId, sequence, type, installments, cents }))
  }
  const ended = status === 'canceled' || status === 'unavailable'
  if (order.approvedAt !== null || (!ended && status !== 'created')) {
    commands.push(post('approve', 'orders', `${at}/approve`, { approvedAt: instant(order.approvedAt) }))
  }
  if (status === 'invoiced' || status === 'processing') commands.push(post('invoice', 'orders', `${at}/invoice`, {}))
  if (status === 'processing') commands.push(post('process', 'orders', `${at}/process`, {}))
  commands.push(...shippingOf(order), ...reviewsOf(order))
  if (status === 'canceled') commands.push(post('cancel', 'orders', `${at}/cancel`, {}))
  if (status === 'unavailable') commands.push(post('unavailable', 'orders', `${at}/unavailable`, {}))
  return commands
}

function place(order: Order): Command {
  return post('place', 'orders', '/orders', {
    orderId: order.orderId,
    customerId: order.customerId,
    purchasedAt: instant(order.purchasedAt),
    estimatedAt: instant(order.estimatedAt),
    items: order.items.map((item) => ({ ...item, shipBy: instant(item.shipBy) })),
  })
}

/** All are prepared before the first is shipped, so that one delivered shipment is never taken for all of them. */
function shippingOf(order: Order): Command[] {
  const shipments = shipmentsOf(order)
  const at = (shipmentId: string) => `/shipments/${encodeURIComponent(shipmentId)}`
  const prepared = shipments.map(({ sellerId }) =>
    post('prepare', 'shipping', '/shipments', { orderId: order.orderId, sellerId }),
  )
  const shipped = shipments.map(({ shipmentId, shippedAt }) =>
    post('ship', 'shipping', `${at(shipmentId)}/ship`, { shippedAt: instant(shippedAt) }),
  )
  const delivered = shipments
    .filter((shipment) => shipment.delivered)
    .map(({ shipmentId, deliveredAt }) =>
      post('deliver', 'shipping', `${at(shipmentId)}/deliver`, { deliveredAt: instant(deliveredAt) }),
    )
  return [...prepared, ...shipped, ...delivered]
}

function reviewsOf(order: Order): Command[] {
  const { orderId } = order
  return order.reviews.flatMap(({ reviewId, score, title, comment, createdAt, answeredAt }) => {
    // The service dates every review: one without a time gets the order's purchase.
    const written = instant(createdAt ?? order.purchasedAt)
    const body = { orderId, reviewId, score, title, comment, createdAt: written }
    const commands = [post('review', 'reviews', '/reviews', body)]
    if (answeredAt !== null) {
      const path = `/reviews/${encodeURIComponent(orderId)}/${encodeURIComponent(reviewId)}/answer`
      commands.push(post('answer', 'reviews', path, { answeredAt: instant(answeredAt) }))
    }
    return commands
  })
}

const customerMaster = (customer: Customer): Master => ({
  id: `customer/${customer.customerId}`,
  command: () => post('register', 'customers', '/customers', customer),
})

const productMaster = (product: Product): Master => ({
  id: `product/${product.productId}`,
  command: () => post('list', 'catalog', '/products', product),
})

const sellerMaster = (seller: Seller): Master => ({
  id: `seller/${seller.sellerId}`,
  command: () => post('join', 'catalog', '/sellers', seller),
})

const translationMaster = (category: string, english: string): Master => ({
  id: `category/${category}`,
  command: () => command('translate', 'catalog', 'PUT', `/categories/${encodeURIComponent(category)}`, { english }),
})

function post(kind: Kind, service: Service, path: string, body: object): Command {
  return command(kind, service, 'POST', path, body)
}

function command(kind: Kind, service: Service, method: 'POST' | 'PUT', path: string, data: object): Command {
  const body = JSON.stringify(data)
  return { kind, service, method, path, body, key: `load:${hash('sha1', `${path}\n${body}`, 'base64url')}` }
}

function instant(ms: number): string
function instant(ms: number | null): string | null
function instant(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

function present<T>(things: ReadonlyMap<string, T>, id: string, what: string, order: Order): T {
  const thing = things.get(id)
  if (thing === undefined) throw new Error(`order "${order.orderId}" refers to ${what} "${id}", which isn't there`)
  return thing
}
