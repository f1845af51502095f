import type { Plain } from 'tributary/contracts'
import type { CustomerRow, OrderRow, SalesRow, SellerRow } from '#schemas/contracts.generated.ts'
import { salesKey } from '#schemas/keys.ts'

/** An event as it happened; a null name is a tombstone. */
export interface Happened {
  readonly topic: string
  readonly key: string
  readonly name: string | null
  // biome-ignore lint/suspicious/noExplicitAny: the recompute is independent of the engine's types on purpose
  readonly data: any
}

/**
 * The four read models, worked out from scratch over all events, by plain loops: what the topologies must come to,
 * written without any of the engine's ideas.
 */
export function recompute(events: readonly Happened[]) {
  // biome-ignore lint/suspicious/noExplicitAny: see above
  const tables: Record<string, any> = {}
  for (const kind of ['order', 'customer', 'product', 'seller', 'english', 'payment', 'shipment', 'review'])
    tables[kind] = Object.create(null)
  const { order, customer, product, seller, english, payment, shipment, review } = tables

  for (const { topic, key, name, data } of events) {
    if (name === null) {
      for (const table of tablesOf(topic, tables)) delete table[key]
      continue
    }
    switch (name) {
      case 'OrderPlaced':
        order[key] = { ...data, status: 'created', approvedAt: null }
        break
      case 'OrderApproved':
        if (order[key]) Object.assign(order[key], { status: 'approved', approvedAt: data.approvedAt })
        break
      case 'OrderInvoiced':
        if (order[key]) order[key].status = 'invoiced'
        break
      case 'OrderProcessing':
        if (order[key]) order[key].status = 'processing'
        break
      case 'OrderShipped':
        if (order[key]) order[key].status = 'shipped'
        break
      case 'OrderDelivered':
        if (order[key]) order[key].status = 'delivered'
        break
      case 'OrderCanceled':
        if (order[key]) order[key].status = 'canceled'
        break
      case 'OrderUnavailable':
        if (order[key]) order[key].status = 'unavailable'
        break
      case 'CustomerRegistered':
        customer[key] = { ...data }
        break
      case 'CustomerMoved':
        if (customer[key]) Object.assign(customer[key], data)
        break
      case 'ProductListed':
        product[key] = { category: data.category }
        break
      case 'ProductCategorised':
        if (product[key]) product[key].category = data.category
        break
      case 'SellerJoined':
        seller[key] = { ...data }
        break
      case 'SellerMoved':
        if (seller[key]) Object.assign(seller[key], data)
        break
      case 'CategoryTranslated':
        english[key] = data.english
        break
      case 'PaymentReceived':
        payment[key] = { ...data }
        break
      case 'PaymentReversed':
        delete payment[key]
        break
      case 'ShipmentPrepared':
        shipment[key] ??= { orderId: data.orderId, shippedAt: null, deliveredAt: null, done: false }
        break
      case 'ShipmentShipped':
        shipment[key] = {
          deliveredAt: null,
          done: false,
          ...shipment[key],
          orderId: data.orderId,
          shippedAt: data.shippedAt,
        }
        break
      case 'ShipmentDelivered':
        shipment[key] = {
          shippedAt: null,
          ...shipment[key],
          orderId: data.orderId,
          deliveredAt: data.deliveredAt,
          done: true,
        }
        break
      case 'ReviewWritten':
        review[key] = { ...data, at: data.createdAt }
        break
      case 'ReviewAnswered':
        if (review[key]) review[key].at = data.answeredAt
        break
      case 'ReviewWithdrawn':
        delete review[key]
        break
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: see above
  const all = (table: any): any[] => Object.values(table)
  const orderIds = new Set<string>(Object.keys(order))
  for (const part of [...all(payment), ...all(shipment), ...all(review)]) orderIds.add(part.orderId)

  const orders = new Map<string, Plain<OrderRow>>()
  for (const orderId of orderIds) {
    const o = order[orderId]
    const c = o && customer[o.customerId]
    const payments = all(payment)
      .filter((p) => p.orderId === orderId)
      .sort((a, b) => a.sequence - b.sequence)
    const shipments = all(shipment).filter((s) => s.orderId === orderId)
    const reviews = all(review).filter((r) => r.orderId === orderId)
    // biome-ignore lint/suspicious/noExplicitAny: see above
    const items = ((o?.items ?? []) as any[]).map((item) => {
      const own = product[`product/${item.productId}`]?.category
      return { ...item, category: own ? (english[`category/${own}`] ?? own) : 'unknown' }
    })
    items.sort((a, b) => a.itemNo - b.itemNo)
    const shipped = shipments.map((s) => s.shippedAt).filter((t) => t !== null)
    const delivered = shipments.map((s) => s.deliveredAt).filter((t) => t !== null)
    const deliveredAt =
      shipments.length > 0 && shipments.every((s) => s.done) && delivered.length > 0 ? Math.max(...delivered) : null
    const last = reviews.sort((a, b) => a.at - b.at || byBytes(a.reviewId, b.reviewId)).at(-1)
    // biome-ignore lint/suspicious/noExplicitAny: see above
    const sum = (list: any[], field: string) => list.reduce((total, each) => total + each[field], 0)
    const itemsCents = sum(items, 'priceCents')
    const freightCents = sum(items, 'freightCents')
    orders.set(orderId, {
      orderId,
      status: o?.status ?? null,
      purchasedAt: o?.purchasedAt ?? null,
      approvedAt: o?.approvedAt ?? null,
      shippedAt: shipped.length ? Math.min(...shipped) : null,
      deliveredAt,
      estimatedAt: o?.estimatedAt ?? null,
      customer: o
        ? {
            customerId: o.customerId,
            uniqueId: c?.uniqueId ?? null,
            city: c?.city ?? null,
            state: c?.state ?? null,
            zip: c?.zip ?? null,
          }
        : null,
      items: items.map(({ itemNo, productId, category, sellerId, priceCents, freightCents, shipBy }) => ({
        itemNo,
        productId,
        category,
        sellerId,
        priceCents,
        freightCents,
        shipBy,
      })),
      itemCount: items.length,
      itemsCents,
      freightCents,
      totalCents: itemsCents + freightCents,
      payments: payments.map(({ sequence, type, installments, cents }) => ({ sequence, type, installments, cents })),
      paidCents: sum(payments, 'cents'),
      balanceCents: sum(payments, 'cents') - itemsCents - freightCents,
      reviewScore: last?.score ?? null,
      late: deliveredAt === null || o?.estimatedAt == null ? null : deliveredAt > o.estimatedAt,
      deliveryDays:
        deliveredAt === null || o?.purchasedAt == null ? null : Math.floor((deliveredAt - o.purchasedAt) / 86_400_000),
    })
  }
  return { orders, ...recomputeFromOrders([...orders.values()], all(seller)) }
}

/** The three read models that follow from the orders, and from the sellers. */
export function recomputeFromOrders(
  orders: readonly Plain<OrderRow>[],
  sellerList: readonly { sellerId: string; city: string; state: string }[],
) {
  const counted = orders.filter((o) => o.status !== 'canceled' && o.status !== 'unavailable')
  const mean = (scores: (number | null)[]) => {
    const known = scores.filter((score) => score !== null)
    return known.length ? known.reduce((a, b) => a + b, 0) / known.length : null
  }

  const lines = counted.flatMap((o) =>
    o.items.map((item) => ({
      orderId: o.orderId,
      day: new Date(o.purchasedAt ?? 0).toISOString().slice(0, 10),
      state: o.customer?.state ?? 'unknown',
      ...item,
    })),
  )
  const sales = new Map<string, Plain<SalesRow>>()
  for (const [key, group] of Map.groupBy(lines, salesKey)) {
    const { day, state, category } = group[0]!
    sales.set(key, {
      day,
      state,
      category,
      orders: new Set(group.map((l) => l.orderId)).size,
      items: group.length,
      revenueCents: group.reduce((sum, l) => sum + l.priceCents, 0),
      freightCents: group.reduce((sum, l) => sum + l.freightCents, 0),
    })
  }

  const customers = new Map<string, Plain<CustomerRow>>()
  const known = orders.filter((o) => o.customer?.uniqueId)
  for (const [uniqueId, own] of Map.groupBy(known, (o) => o.customer!.uniqueId!)) {
    const times = own.map((o) => o.purchasedAt ?? 0).sort((a, b) => a - b)
    customers.set(uniqueId, {
      uniqueId,
      orders: own.length,
      spentCents: own.reduce((sum, o) => sum + o.paidCents, 0),
      firstOrderAt: times[0]!,
      lastOrderAt: times.at(-1)!,
      averageScore: mean(own.map((o) => o.reviewScore)),
      states: [...new Set(own.flatMap((o) => (o.customer?.state ? [o.customer.state] : [])))].sort(byBytes),
    })
  }

  const sellers = new Map<string, Plain<SellerRow>>()
  for (const { sellerId, city, state } of sellerList) {
    const own = counted.filter((o) => o.items.some((item) => item.sellerId === sellerId))
    const items = own.flatMap((o) => o.items.filter((item) => item.sellerId === sellerId))
    sellers.set(sellerId, {
      sellerId,
      city,
      state,
      orders: own.length,
      items: items.length,
      revenueCents: items.reduce((sum, item) => sum + item.priceCents, 0),
      freightCents: items.reduce((sum, item) => sum + item.freightCents, 0),
      lateOrders: own.filter((o) => o.late === true).length,
      averageScore: mean(own.map((o) => o.reviewScore)),
    })
  }
  return { sales, customers, sellers }
}

// biome-ignore lint/suspicious/noExplicitAny: see above
function tablesOf(topic: string, tables: Record<string, any>): any[] {
  const { order, customer, product, seller, english, payment, shipment, review } = tables
  switch (topic) {
    case 'orders.events':
      return [order]
    case 'customers.events':
      return [customer]
    case 'payments.events':
      return [payment]
    case 'shipping.events':
      return [shipment]
    case 'reviews.events':
      return [review]
    default:
      return [product, seller, english]
  }
}

/** Texts in the order of their bytes, as Postgres compares them. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
