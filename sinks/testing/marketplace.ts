import type { Document } from '../../packages/tributary/read-models/document.ts'

/**
 * A marketplace of four orders: what the services' tables hold, and what the specification says the documents are,
 * worked out by hand. It has what is easily got wrong: two shipments of one order, a person with two customer ids in
 * two states, a category without translation, a product without category, an order that is canceled, two reviews
 * that only their ids tell apart, gaps in payments, and a payment whose order nobody told of.
 */
export const tables: Readonly<Record<string, Readonly<Record<string, readonly object[]>>>> = {
  customers: {
    customers: [
      { customer_id: 'c1', unique_id: 'u1', zip: '01001', city: 'são paulo', state: 'SP' },
      { customer_id: 'c2', unique_id: 'u1', zip: '20001', city: 'rio de janeiro', state: 'RJ' },
      { customer_id: 'c3', unique_id: 'u2', zip: '30001', city: 'belo horizonte', state: 'MG' },
    ],
  },
  catalog: {
    products: [
      { product_id: 'p1', category: 'brinquedos' },
      { product_id: 'p2', category: 'pc_gamer' },
      { product_id: 'p3', category: null },
    ],
    sellers: [
      { seller_id: 's1', zip: '14940', city: 'ibitinga', state: 'SP' },
      { seller_id: 's2', zip: '80001', city: 'curitiba', state: 'PR' },
      { seller_id: 's3', zip: '90001', city: 'porto alegre', state: 'RS' },
    ],
    category_translations: [{ category: 'brinquedos', english: 'toys' }],
  },
  orders: {
    orders: [
      {
        order_id: 'o1',
        customer_id: 'c1',
        status: 'delivered',
        purchased_at: '2018-01-01T10:00:00Z',
        approved_at: '2018-01-01T11:00:00Z',
        estimated_at: '2018-01-10T00:00:00Z',
      },
      { order_id: 'o2', customer_id: 'c2', status: 'canceled', purchased_at: '2018-01-01T23:59:59.999Z' },
      { order_id: 'o3', customer_id: 'c3', status: 'created', purchased_at: '2018-02-01T00:00:00Z' },
    ],
    items: [
      {
        order_id: 'o1',
        item_no: 2,
        product_id: 'p2',
        seller_id: 's2',
        price_cents: 2000,
        freight_cents: 200,
        ship_by: null,
      },
      {
        order_id: 'o1',
        item_no: 1,
        product_id: 'p1',
        seller_id: 's1',
        price_cents: 1000,
        freight_cents: 100,
        ship_by: '2018-01-04T00:00:00Z',
      },
      { order_id: 'o2', item_no: 1, product_id: 'p3', seller_id: 's1', price_cents: 500, freight_cents: 50 },
    ],
  },
  payments: {
    payments: [
      { order_id: 'o1', sequence: 1, type: 'credit_card', installments: 3, cents: 3300 },
      { order_id: 'o3', sequence: 3, type: 'credit_card', installments: 1, cents: 1 },
      { order_id: 'o3', sequence: 1, type: 'voucher', installments: 1, cents: 100 },
      { order_id: 'o4', sequence: 1, type: 'boleto', installments: 1, cents: 700 },
    ],
  },
  shipping: {
    shipments: [
      {
        shipment_id: 'o1-s1',
        order_id: 'o1',
        seller_id: 's1',
        status: 'delivered',
        shipped_at: '2018-01-02T00:00:00Z',
        delivered_at: '2018-01-05T00:00:00Z',
      },
      {
        shipment_id: 'o1-s2',
        order_id: 'o1',
        seller_id: 's2',
        status: 'delivered',
        shipped_at: '2018-01-03T00:00:00Z',
        delivered_at: '2018-01-12T09:59:00Z',
      },
      { shipment_id: 'o2-s1', order_id: 'o2', seller_id: 's1', status: 'prepared' },
    ],
  },
  reviews: {
    reviews: [
      { order_id: 'o1', review_id: 'r1', score: 3, created_at: '2018-01-13T00:00:00Z' },
      {
        order_id: 'o1',
        review_id: 'r2',
        score: 5,
        created_at: '2018-01-12T00:00:00Z',
        answered_at: '2018-01-14T00:00:00Z',
      },
      { order_id: 'o3', review_id: 'r3', score: 1, created_at: '2018-02-02T00:00:00Z' },
      { order_id: 'o3', review_id: 'r4', score: 2, created_at: '2018-02-02T00:00:00Z' },
    ],
  },
}

export type ReadModelName = 'orders' | 'sales' | 'customers' | 'sellers'

/** What the read models are made of these tables, by `_id`. */
export const documents: Readonly<Record<ReadModelName, ReadonlyMap<string, Document>>> = {
  orders: new Map<string, Document>([
    [
      'o1',
      {
        orderId: 'o1',
        status: 'delivered',
        purchasedAt: '2018-01-01T10:00:00.000Z',
        approvedAt: '2018-01-01T11:00:00.000Z',
        shippedAt: '2018-01-02T00:00:00.000Z',
        deliveredAt: '2018-01-12T09:59:00.000Z',
        estimatedAt: '2018-01-10T00:00:00.000Z',
        customer: { customerId: 'c1', uniqueId: 'u1', city: 'são paulo', state: 'SP', zip: '01001' },
        items: [
          {
            itemNo: 1,
            productId: 'p1',
            category: 'toys',
            sellerId: 's1',
            priceCents: 1000,
            freightCents: 100,
            shipBy: '2018-01-04T00:00:00.000Z',
          },
          { itemNo: 2, productId: 'p2', category: 'pc_gamer', sellerId: 's2', priceCents: 2000, freightCents: 200 },
        ],
        itemCount: 2,
        itemsCents: 3000,
        freightCents: 300,
        totalCents: 3300,
        payments: [{ sequence: 1, type: 'credit_card', installments: 3, cents: 3300 }],
        paidCents: 3300,
        balanceCents: 0,
        reviewScore: 5,
        late: true,
        deliveryDays: 10,
      },
    ],
    [
      'o2',
      {
        orderId: 'o2',
        status: 'canceled',
        purchasedAt: '2018-01-01T23:59:59.999Z',
        customer: { customerId: 'c2', uniqueId: 'u1', city: 'rio de janeiro', state: 'RJ', zip: '20001' },
        items: [{ itemNo: 1, productId: 'p3', category: 'unknown', sellerId: 's1', priceCents: 500, freightCents: 50 }],
        itemCount: 1,
        itemsCents: 500,
        freightCents: 50,
        totalCents: 550,
        payments: [],
        paidCents: 0,
        balanceCents: -550,
      },
    ],
    [
      'o3',
      {
        orderId: 'o3',
        status: 'created',
        purchasedAt: '2018-02-01T00:00:00.000Z',
        customer: { customerId: 'c3', uniqueId: 'u2', city: 'belo horizonte', state: 'MG', zip: '30001' },
        items: [],
        itemCount: 0,
        itemsCents: 0,
        freightCents: 0,
        totalCents: 0,
        payments: [
          { sequence: 1, type: 'voucher', installments: 1, cents: 100 },
          { sequence: 3, type: 'credit_card', installments: 1, cents: 1 },
        ],
        paidCents: 101,
        balanceCents: 101,
        reviewScore: 2,
      },
    ],
    [
      'o4',
      {
        orderId: 'o4',
        items: [],
        itemCount: 0,
        itemsCents: 0,
        freightCents: 0,
        totalCents: 0,
        payments: [{ sequence: 1, type: 'boleto', installments: 1, cents: 700 }],
        paidCents: 700,
        balanceCents: 700,
      },
    ],
  ]),
  sales: new Map<string, Document>(
    [
      { day: '2018-01-01', state: 'SP', category: 'toys', orders: 1, items: 1, revenueCents: 1000, freightCents: 100 },
      {
        day: '2018-01-01',
        state: 'SP',
        category: 'pc_gamer',
        orders: 1,
        items: 1,
        revenueCents: 2000,
        freightCents: 200,
      },
    ].map((row) => [`${row.day}|${row.state}|${row.category}`, row]),
  ),
  customers: new Map<string, Document>([
    [
      'u1',
      {
        uniqueId: 'u1',
        orders: 2,
        spentCents: 3300,
        firstOrderAt: '2018-01-01T10:00:00.000Z',
        lastOrderAt: '2018-01-01T23:59:59.999Z',
        averageScore: 5,
        states: ['RJ', 'SP'],
      },
    ],
    [
      'u2',
      {
        uniqueId: 'u2',
        orders: 1,
        spentCents: 101,
        firstOrderAt: '2018-02-01T00:00:00.000Z',
        lastOrderAt: '2018-02-01T00:00:00.000Z',
        averageScore: 2,
        states: ['MG'],
      },
    ],
  ]),
  sellers: new Map<string, Document>([
    ['s1', seller('s1', 'ibitinga', 'SP', { items: 1, revenueCents: 1000, freightCents: 100 })],
    ['s2', seller('s2', 'curitiba', 'PR', { items: 1, revenueCents: 2000, freightCents: 200 })],
    [
      's3',
      {
        sellerId: 's3',
        city: 'porto alegre',
        state: 'RS',
        orders: 0,
        items: 0,
        revenueCents: 0,
        freightCents: 0,
        lateOrders: 0,
      },
    ],
  ]),
}

/** A seller's document with the one order that counts: late, and scored 5. */
function seller(sellerId: string, city: string, state: string, sums: Document): Document {
  return { sellerId, city, state, orders: 1, ...sums, lateOrders: 1, averageScore: 5 }
}
