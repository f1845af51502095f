import fc from 'fast-check'
import pg from 'pg'
import { type Driver, drive } from 'tributary/testing'
import { connectStack } from 'tributary/testing/stack'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { customersTopology } from '#processors/customers/topology.ts'
import { ordersTopology } from '#processors/orders/topology.ts'
import { salesTopology } from '#processors/sales/topology.ts'
import { sellersTopology } from '#processors/sellers/topology.ts'
import * as given from '#processors/testing/given.ts'
import * as topics from '#schemas/topics.ts'
import type { EventsTopic, RowsTopic } from '../../packages/tributary/contracts/topic.ts'
import { compileDocument, type Document } from '../../packages/tributary/read-models/document.ts'
import { difference, differingFields } from '../../packages/tributary/verify/compare.ts'
import { recompute, type Sources, sourcesOn } from '../../packages/tributary/verify/load.ts'
import type { ReadModelName } from '../testing/marketplace.ts'
import { verification } from './verification.ts'

/**
 * The same comparison everywhere: whatever odd values a marketplace is made of, what the topologies make of its events
 * (in any order) is what the SQL of `verify` makes of its rows. Order of texts, equality, sums, means, times before
 * 1970, what is null and what is empty: each side has its own idea of them, and this is where they meet.
 */

const { env } = connectStack()
const db = new pg.Client({
  host: env.POSTGRES_HOST!,
  port: Number(env.POSTGRES_PORT),
  user: 'postgres',
  password: env.POSTGRES_PASSWORD!,
  database: 'postgres',
  options: '-c TimeZone=UTC -c DateStyle=ISO',
})
let sources: Sources
beforeAll(async () => {
  await db.connect()
  sources = await sourcesOn(verification, db)
})
afterAll(() => db.end())

/** Texts that one side or the other may take for equal, or put in another order. */
const texts = [
  'a',
  'A',
  'b',
  'a ',
  ' a',
  'á',
  'a\u0301',
  'ﬁ',
  'fi',
  'ß',
  'ss',
  'İ',
  'i\u0307',
  '10',
  '9',
  '010',
  '1e3',
  '-',
  '_',
  '！x',
  '😀x',
  '\uFFFD',
  '\u{10FFFF}',
  'ي',
  'שלום',
  '가',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'a/b',
  'a%2Fb',
  "'",
  '"',
  '\\',
  '\t',
  '\u2028',
  '\uFEFFa',
  'a\u200Bb',
  'unknown',
  '|',
  'a|b',
  '%7C',
  '%257C',
  '1-2',
  '2',
  'x'.repeat(100),
]
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...texts) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((t) => !t.includes('\0')),
  },
)
const time = fc.oneof(
  fc.constantFrom(
    0,
    -1,
    1,
    -86_400_000,
    86_399_999,
    Date.parse('2018-01-01T23:59:59.999Z'),
    Date.parse('2018-01-02T00:00:00Z'),
  ),
  fc.constantFrom(
    Date.parse('0001-01-01T00:00:00Z'),
    Date.parse('9999-12-31T23:59:59.999Z'),
    Date.parse('1582-10-10T12:00:00Z'),
  ),
  fc.integer({ min: Date.parse('1900-01-01T00:00:00Z'), max: Date.parse('2100-01-01T00:00:00Z') }),
)
const cents = fc.oneof(fc.nat(10_000), fc.constantFrom(0, 1, 1e11 - 1, 1e11), fc.integer({ min: 0, max: 1e11 }))
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null })
const few = <T>(of: fc.Arbitrary<T>, key: (one: T) => string, maxLength: number) =>
  fc.uniqueArray(of, { selector: key, maxLength })

/** A marketplace as its services hold it; ids are drawn from few, so that things meet. */
const marketplace = fc
  .record({
    ids: fc.uniqueArray(text, { minLength: 3, maxLength: 6 }),
    places: fc.array(text, { minLength: 1, maxLength: 3 }),
  })
  .chain(({ ids, places }) => {
    const id = fc.constantFrom(...ids)
    const place = fc.constantFrom(...places)
    const address = { zip: place, city: place, state: place }
    const item = fc.record({ productId: id, sellerId: id, priceCents: cents, freightCents: cents, shipBy: maybe(time) })
    return fc.record({
      customers: few(fc.record({ customerId: id, uniqueId: id, ...address }), (c) => c.customerId, 4),
      sellers: few(fc.record({ sellerId: id, ...address }), (s) => s.sellerId, 3),
      products: few(fc.record({ productId: id, category: maybe(place) }), (p) => p.productId, 3),
      translations: few(fc.record({ category: place, english: place }), (t) => t.category, 2),
      orders: few(
        fc.record({
          orderId: id,
          customerId: id,
          purchasedAt: time,
          estimatedAt: maybe(time),
          approvedAt: maybe(time),
          end: fc.constantFrom('created', 'approved', 'canceled', 'unavailable'),
          items: fc.array(item, { maxLength: 3 }),
        }),
        (o) => o.orderId,
        6,
      ),
      payments: few(
        fc.record({ orderId: id, sequence: fc.constantFrom(1, 2, 10), type: place, installments: fc.nat(24), cents }),
        (p) => JSON.stringify([p.orderId, p.sequence]),
        6,
      ),
      shipments: few(
        fc.record({
          orderId: id,
          sellerId: maybe(id),
          shippedAt: maybe(time),
          deliveredAt: maybe(time),
          status: fc.constantFrom('prepared', 'shipped', 'delivered'),
        }),
        (s) => JSON.stringify([s.orderId, s.sellerId]),
        5,
      ),
      reviews: few(
        fc.record({
          orderId: id,
          reviewId: id,
          score: fc.integer({ min: 1, max: 5 }),
          createdAt: fc.constantFrom(0, 1, -1),
          answeredAt: maybe(fc.constantFrom(0, 1)),
        }),
        (r) => JSON.stringify([r.orderId, r.reviewId]),
        6,
      ),
    })
  })
type Marketplace = typeof marketplace extends fc.Arbitrary<infer T> ? T : never

interface Event {
  readonly topic: EventsTopic
  readonly key: string
  readonly name: string
  readonly data: unknown
}
type Given = Omit<Event, 'topic'>

const shipmentIdOf = (s: { orderId: string; sellerId: string | null }) => JSON.stringify([s.orderId, s.sellerId])

/** What each thing of the marketplace went through, thing by thing. */
function historiesOf(m: Marketplace): Event[][] {
  const of = (topic: EventsTopic, ...events: (Given | false)[]) =>
    events.filter((event) => event !== false).map((event) => ({ ...event, topic }))
  return [
    ...m.customers.map((c) => of(topics.Customers, given.customerRegistered(c))),
    ...m.sellers.map((s) => of(topics.Catalog, given.sellerJoined(s))),
    ...m.products.map((p) => of(topics.Catalog, given.productListed(p))),
    ...m.translations.map((t) => of(topics.Catalog, given.categoryTranslated(t))),
    ...m.orders.map((o) => {
      const { orderId, approvedAt, end } = o
      const approved = { key: orderId, name: 'OrderApproved', data: { orderId, approvedAt } }
      return of(
        topics.Orders,
        given.orderPlaced(o),
        end === 'approved' && approved,
        end === 'canceled' && given.orderCanceled(o),
        end === 'unavailable' && given.orderUnavailable(o),
      )
    }),
    ...m.payments.map((p) => of(topics.Payments, given.paymentReceived(p))),
    ...m.shipments.map((s) => {
      const shipmentId = shipmentIdOf(s)
      const as = <T extends Given>({ name, data }: T) => ({
        name,
        key: shipmentId,
        data: { ...(data as object), shipmentId },
      })
      return of(
        topics.Shipping,
        as(given.shipmentPrepared(s)),
        s.status !== 'prepared' && as(given.shipmentShipped(s)),
        s.status === 'delivered' && as(given.shipmentDelivered(s)),
      )
    }),
    ...m.reviews.map((r) =>
      of(
        topics.Reviews,
        given.reviewWritten(r),
        r.answeredAt !== null && given.reviewAnswered({ ...r, answeredAt: r.answeredAt }),
      ),
    ),
  ]
}

/** What the services' tables hold then. */
function rowsOf(m: Marketplace): Record<string, readonly object[]> {
  const instant = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  return {
    customers: m.customers.map((c) => ({
      customer_id: c.customerId,
      unique_id: c.uniqueId,
      zip: c.zip,
      city: c.city,
      state: c.state,
    })),
    products: m.products.map((p) => ({ product_id: p.productId, category: p.category })),
    sellers: m.sellers.map((s) => ({ seller_id: s.sellerId, city: s.city, state: s.state })),
    category_translations: m.translations,
    orders: m.orders.map((o) => ({
      order_id: o.orderId,
      customer_id: o.customerId,
      status: o.end,
      purchased_at: instant(o.purchasedAt),
      approved_at: o.end === 'approved' ? instant(o.approvedAt) : null,
      estimated_at: instant(o.estimatedAt),
    })),
    items: m.orders.flatMap((o) =>
      o.items.map((i, at) => ({
        order_id: o.orderId,
        item_no: at + 1,
        product_id: i.productId,
        seller_id: i.sellerId,
        price_cents: i.priceCents,
        freight_cents: i.freightCents,
        ship_by: instant(i.shipBy),
      })),
    ),
    payments: m.payments.map((p) => ({
      order_id: p.orderId,
      sequence: p.sequence,
      type: p.type,
      installments: p.installments,
      cents: p.cents,
    })),
    shipments: m.shipments.map((s) => ({
      shipment_id: shipmentIdOf(s),
      order_id: s.orderId,
      status: s.status,
      shipped_at: s.status === 'prepared' ? null : instant(s.shippedAt),
      delivered_at: s.status === 'delivered' ? instant(s.deliveredAt) : null,
    })),
    reviews: m.reviews.map((r) => ({
      order_id: r.orderId,
      review_id: r.reviewId,
      score: r.score,
      created_at: instant(r.createdAt),
      answered_at: instant(r.answeredAt),
    })),
  }
}

async function fill(rows: Record<string, readonly object[]>): Promise<void> {
  await db.query(`truncate ${Object.keys(rows).map((table) => `pg_temp.${table}`)}`)
  for (const [table, list] of Object.entries(rows))
    await db.query(`insert into pg_temp.${table} select * from jsonb_populate_recordset(null::pg_temp.${table}, $1)`, [
      JSON.stringify(list),
    ])
}

/** Plays the things' histories to the topologies, one step of some thing after the other. */
function play(histories: readonly (readonly Event[])[], order: readonly number[]): Record<ReadModelName, Driver> {
  const left = histories.map((history) => [...history])
  const events: Event[] = []
  for (const at of order) {
    const open = left.filter((history) => history.length > 0)
    if (open.length === 0) break
    events.push(open[at % open.length]!.shift()!)
  }
  events.push(...left.flat())
  const run = (
    topology: typeof ordersTopology,
    own: readonly Event[],
    rows: readonly { key: string; row: unknown }[] = [],
  ) => {
    const driver = drive(topology)
    for (const { topic, ...event } of own) driver.pipe(topic, event as never)
    for (const { key, row } of rows)
      row === null ? driver.erase(topics.OrderRows, key) : driver.pipe(topics.OrderRows, row as never)
    expect(driver.failures).toEqual([])
    return driver
  }
  const orders = run(ordersTopology, events)
  const rows = orders.read(topics.OrderRows)
  const catalog = events.filter(({ topic, name }) => topic === topics.Catalog && name.startsWith('Seller'))
  return {
    orders,
    sales: run(salesTopology, [], rows),
    customers: run(customersTopology, [], rows),
    sellers: run(sellersTopology, catalog, rows),
  }
}

const rowsTopics: Record<ReadModelName, RowsTopic> = {
  orders: topics.OrderRows as never,
  sales: topics.SalesRows as never,
  customers: topics.CustomerRows as never,
  sellers: topics.SellerRows as never,
}

async function expectSame(m: Marketplace, order: readonly number[]): Promise<void> {
  await fill(rowsOf(m))
  const drivers = play(historiesOf(m), order)
  for (const [readModel, topic] of Object.entries(rowsTopics) as [ReadModelName, RowsTopic][]) {
    const toDocument = compileDocument(topic.row.schema)
    // As the index gives it back.
    const found = new Map(
      Array.from(drivers[readModel].table(topic), ([key, row]) => [
        key,
        JSON.parse(JSON.stringify(toDocument(row))) as Document,
      ]),
    )
    const expected = new Map(
      (await recompute(verification, sources, readModel)).map(({ key, document }) => [key, document]),
    )
    const differing = [...new Set([...expected.keys(), ...found.keys()])].flatMap((key) => {
      const one = difference(key, expected.get(key), found.get(key))
      return one ? [{ ...one, fields: differingFields(one.expected, one.found) }] : []
    })
    expect(differing, readModel).toEqual([])
  }
}

const nothing: Marketplace = {
  customers: [],
  sellers: [],
  products: [],
  translations: [],
  orders: [],
  payments: [],
  shipments: [],
  reviews: [],
}
const order: Omit<Marketplace['orders'][number], 'orderId'> = {
  customerId: 'c',
  purchasedAt: 0,
  estimatedAt: null,
  approvedAt: null,
  end: 'created',
  items: [],
}

test('of two reviews of the same moment the one counts whose id is greater by code points', async () => {
  const review = { orderId: 'o', createdAt: 0, answeredAt: null } as const
  await expectSame(
    {
      ...nothing,
      orders: [{ ...order, orderId: 'o' }],
      reviews: [
        { ...review, reviewId: '！x', score: 1 },
        { ...review, reviewId: '😀x', score: 5 },
      ],
    },
    [],
  )
})

test("a person's states stand in the order of their code points", async () => {
  const states = ['😀', '！', 'a', 'Z', 'é', 'e\u0301']
  await expectSame(
    {
      ...nothing,
      customers: states.map((state, n) => ({ customerId: `c${n}`, uniqueId: 'u', zip: '', city: '', state })),
      orders: states.map((_, n) => ({ ...order, orderId: `o${n}`, customerId: `c${n}` })),
    },
    [],
  )
})

test('states and categories with the separator of their key in them stay apart', async () => {
  const item = { productId: 'p', sellerId: 's', priceCents: 1, freightCents: 0, shipBy: null }
  const pairs = [
    ['a|b', 'c'],
    ['a', 'b|c'],
    ['%7C', '|'],
    ['|', '%7C'],
    ['%257C', '%25'],
  ] as const
  await expectSame(
    {
      ...nothing,
      customers: pairs.map(([state], n) => ({ customerId: `c${n}`, uniqueId: 'u', zip: '', city: '', state })),
      products: pairs.map(([, category], n) => ({ productId: `p${n}`, category })),
      orders: pairs.map((_, n) => ({
        ...order,
        orderId: `o${n}`,
        customerId: `c${n}`,
        items: [{ ...item, productId: `p${n}` }],
      })),
    },
    [],
  )
})

test(
  'what the topologies make of odd values is what the SQL makes of them',
  async () => {
    await fc.assert(fc.asyncProperty(marketplace, fc.array(fc.nat(1_000), { maxLength: 60 }), expectSame), {
      numRuns: Number(process.env.LAW_RUNS ?? 60),
    })
  },
  10 * 60_000,
)
