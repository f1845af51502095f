import { drive } from 'tributary/testing'
import { describe, expect, test } from 'vitest'
import { Catalog, Customers, OrderRows, Orders, Payments, Reviews, Shipping } from '#schemas/topics.ts'
import * as given from '../testing/given.ts'
import { ordersTopology } from './topology.ts'

const start = () => {
  const orders = drive(ordersTopology)
  const row = (orderId = 'o1') => orders.table(OrderRows).get(orderId)
  return { orders, row }
}

describe('an order', () => {
  test('has a row from its first event on, with null for what is not known', () => {
    const { orders, row } = start()
    orders.pipe(Orders, given.orderPlaced({ orderId: 'o1', customerId: 'c1', items: [] }))
    expect(row()).toMatchObject({
      orderId: 'o1',
      status: 'created',
      customer: { customerId: 'c1', uniqueId: null, city: null, state: null, zip: null },
      approvedAt: null,
      items: [],
      itemCount: 0,
      payments: [],
      paidCents: 0,
      balanceCents: 0,
      reviewScore: null,
      late: null,
      deliveryDays: null,
    })
  })

  test('has a row even when a payment is all that is known of it', () => {
    const { orders, row } = start()
    orders.pipe(Payments, given.paymentReceived({ orderId: 'o1', cents: 500 }))
    expect(row()).toMatchObject({ status: null, customer: null, paidCents: 500, balanceCents: 500 })
  })

  test('that is published again, with all of its parts, keeps the row it had', () => {
    const { orders, row } = start()
    const rebuilt = {
      order: [
        given.orderPlaced({ orderId: 'o1', customerId: 'c1' }),
        given.orderApproved({ orderId: 'o1', approvedAt: '2018-08-08T10:00:00Z' }),
        given.orderDelivered({ orderId: 'o1' }),
      ],
      customer: given.customerRegistered({ customerId: 'c1', zip: '20000', city: 'rio de janeiro', state: 'RJ' }),
      payment: given.paymentReceived({ orderId: 'o1', cents: 500 }),
      shipment: [
        given.shipmentPrepared({ orderId: 'o1' }),
        given.shipmentShipped({ orderId: 'o1', shippedAt: '2018-08-09T10:00:00Z' }),
        given.shipmentDelivered({ orderId: 'o1', deliveredAt: '2018-08-10T10:00:00Z' }),
      ],
      review: given.reviewWritten({ orderId: 'o1', reviewId: 'r1', score: 4 }),
    }
    // As it came, by way of states that nobody knows afterwards.
    orders.pipe(Customers, given.customerRegistered({ customerId: 'c1' }))
    orders.pipe(Customers, given.customerMoved({ customerId: 'c1' }))
    orders.pipe(Orders, rebuilt.order[0]!)
    orders.pipe(Payments, given.paymentReceived({ orderId: 'o1', cents: 500 }))
    orders.pipe(Orders, rebuilt.order[1]!)
    orders.pipe(Orders, given.orderInvoiced({ orderId: 'o1' }))
    for (const event of rebuilt.shipment) orders.pipe(Shipping, event)
    orders.pipe(Orders, given.orderShipped({ orderId: 'o1' }))
    orders.pipe(Orders, rebuilt.order[2]!)
    orders.pipe(Reviews, rebuilt.review)
    const before = row()
    expect(before).toMatchObject({ status: 'delivered', paidCents: 500, reviewScore: 4, customer: { state: 'RJ' } })

    orders.pipe(Customers, rebuilt.customer)
    for (const event of rebuilt.order) orders.pipe(Orders, event)
    orders.pipe(Payments, rebuilt.payment)
    for (const event of rebuilt.shipment) orders.pipe(Shipping, event)
    orders.pipe(Reviews, rebuilt.review)
    expect(row()).toEqual(before)
  })

  test('whose cents can not be counted or written exactly is refused, and no other', () => {
    const { orders, row } = start()
    const large = { priceCents: Number.MAX_SAFE_INTEGER - 1, freightCents: 0 }
    orders.pipe(Orders, given.orderPlaced({ orderId: 'o1', items: [{ ...large, freightCents: 10 }] }))
    orders.pipe(Orders, given.orderPlaced({ orderId: 'o2', items: [large] }))
    orders.pipe(Orders, given.orderPlaced({ orderId: 'o3', items: [{ priceCents: 3, freightCents: 0 }] }))
    expect([...orders.table(OrderRows).keys()]).toEqual(['o3'])
    expect(orders.failures.map(({ key }) => key)).toEqual(['o1', 'o2'])
    orders.pipe(Payments, given.paymentReceived({ orderId: 'o2', cents: Number.MAX_SAFE_INTEGER - 1 }))
    expect(row('o2')).toMatchObject({ totalCents: Number.MAX_SAFE_INTEGER - 1, balanceCents: 0 })
  })

  test('of two reviews of one moment has the score of the one whose id is last by its bytes', () => {
    const { orders, row } = start()
    const createdAt = Date.UTC(2018, 0, 1)
    orders.pipe(Reviews, given.reviewWritten({ orderId: 'o1', reviewId: '😀x', score: 5, createdAt }))
    orders.pipe(Reviews, given.reviewWritten({ orderId: 'o1', reviewId: '！x', score: 1, createdAt }))
    expect(row()).toMatchObject({ reviewScore: 5 })
  })

  test('adds up its items, freight and payments in cents', () => {
    const { orders, row } = start()
    const items = [
      { itemNo: 2, priceCents: 2_000, freightCents: 30 },
      { itemNo: 1, priceCents: 1_001, freightCents: 20 },
    ]
    orders.pipe(Orders, given.orderPlaced({ orderId: 'o1', items }))
    orders.pipe(Payments, given.paymentReceived({ orderId: 'o1', sequence: 3, cents: 3_000 }))
    orders.pipe(Payments, given.paymentReceived({ orderId: 'o1', sequence: 1, cents: 50 }))
    expect(row()).toMatchObject({
      itemCount: 2,
      itemsCents: 3_001,
      freightCents: 50,
      totalCents: 3_051,
      paidCents: 3_050,
      balanceCents: -1,
    })
    expect(row()?.items.map((item) => item.itemNo)).toEqual([1, 2])
    expect(row()?.payments.map((payment) => payment.sequence)).toEqual([1, 3])
  })

  test('loses a payment that is reversed', () => {
    const { orders, row } = start()
    orders.pipe(Payments, given.paymentReceived({ orderId: 'o1', sequence: 1, cents: 70 }))
    orders.pipe(Payments, given.paymentReceived({ orderId: 'o1', sequence: 2, cents: 30 }))
    orders.pipe(Payments, given.paymentReversed({ orderId: 'o1', sequence: 1 }))
    expect(row()).toMatchObject({ paidCents: 30 })
  })

  test('follows its customer, whichever of them comes first', () => {
    const { orders, row } = start()
    orders.pipe(Orders, given.orderPlaced({ orderId: 'o1', customerId: 'c1' }))
    orders.pipe(Customers, given.customerRegistered({ customerId: 'c1', state: 'SP' }))
    expect(row()?.customer?.state).toBe('SP')
    orders.pipe(Customers, given.customerMoved({ customerId: 'c1', state: 'RJ' }))
    expect(row()?.customer?.state).toBe('RJ')
    orders.erase(Customers, 'c1')
    expect(row()?.customer).toEqual({ customerId: 'c1', uniqueId: null, city: null, state: null, zip: null })
  })

  test.each([
    ['its product is not known', [], 'unknown'],
    ['the product has no category', [given.productListed({ productId: 'p1' })], 'unknown'],
    ['the category has no translation', [given.productListed({ productId: 'p1', category: 'livros' })], 'livros'],
    [
      'the category is translated',
      [
        given.productListed({ productId: 'p1', category: 'livros' }),
        given.categoryTranslated({ category: 'livros', english: 'books' }),
      ],
      'books',
    ],
    [
      'the product is put into another category',
      [
        given.categoryTranslated({ category: 'jogos', english: 'games' }),
        given.productListed({ productId: 'p1', category: 'livros' }),
        given.productCategorised({ productId: 'p1', category: 'jogos' }),
      ],
      'games',
    ],
  ] as const)("names an item's category when %s", (_, events, category) => {
    const { orders, row } = start()
    orders.pipe(Orders, given.orderPlaced({ orderId: 'o1', items: [{ productId: 'p1' }] }))
    for (const event of events) orders.pipe(Catalog, event)
    expect(row()?.items[0]?.category).toBe(category)
  })

  test('is shipped with its first shipment and delivered with its last', () => {
    const { orders, row } = start()
    const placed = { orderId: 'o1', purchasedAt: '2018-01-01T12:00:00Z', estimatedAt: '2018-01-05T00:00:00Z' }
    orders.pipe(Orders, given.orderPlaced(placed))
    orders.pipe(Shipping, given.shipmentShipped({ orderId: 'o1', sellerId: 's2', shippedAt: '2018-01-03T00:00:00Z' }))
    orders.pipe(Shipping, given.shipmentShipped({ orderId: 'o1', sellerId: 's1', shippedAt: '2018-01-02T00:00:00Z' }))
    orders.pipe(
      Shipping,
      given.shipmentDelivered({ orderId: 'o1', sellerId: 's1', deliveredAt: '2018-01-06T11:59:59Z' }),
    )
    expect(row()).toMatchObject({ shippedAt: Date.parse('2018-01-02T00:00:00Z'), deliveredAt: null, late: null })
    orders.pipe(
      Shipping,
      given.shipmentDelivered({ orderId: 'o1', sellerId: 's2', deliveredAt: '2018-01-04T00:00:00Z' }),
    )
    expect(row()).toMatchObject({ deliveredAt: Date.parse('2018-01-06T11:59:59Z'), late: true, deliveryDays: 4 })
  })

  test('that is delivered at an unknown time has no delivery date', () => {
    const { orders, row } = start()
    orders.pipe(Orders, given.orderPlaced({ orderId: 'o1', estimatedAt: '2018-01-05T00:00:00Z' }))
    orders.pipe(Shipping, given.shipmentDelivered({ orderId: 'o1', deliveredAt: null }))
    expect(row()).toMatchObject({ deliveredAt: null, late: null, deliveryDays: null })
  })

  test('delivered on the estimated instant is not late, and before it was bought took negative days', () => {
    const { orders, row } = start()
    const placed = { orderId: 'o1', purchasedAt: '2018-01-05T00:00:00Z', estimatedAt: '2018-01-04T12:00:00Z' }
    orders.pipe(Orders, given.orderPlaced(placed))
    orders.pipe(Shipping, given.shipmentDelivered({ orderId: 'o1', deliveredAt: '2018-01-04T12:00:00Z' }))
    expect(row()).toMatchObject({ late: false, deliveryDays: -1 })
  })

  test('has the score of the review that was answered, else written, last; of two at once the greater id', () => {
    const { orders, row } = start()
    const written = (reviewId: string, score: number, createdAt: string) =>
      orders.pipe(Reviews, given.reviewWritten({ orderId: 'o1', reviewId, score, createdAt }))
    written('ra', 1, '2018-01-01T00:00:00Z')
    written('rb', 2, '2018-01-02T00:00:00Z')
    expect(row()?.reviewScore).toBe(2)
    orders.pipe(Reviews, given.reviewAnswered({ orderId: 'o1', reviewId: 'ra', answeredAt: '2018-01-03T00:00:00Z' }))
    expect(row()?.reviewScore).toBe(1)
    written('rc', 3, '2018-01-03T00:00:00Z')
    expect(row()?.reviewScore).toBe(3)
    orders.pipe(Reviews, given.reviewWithdrawn({ orderId: 'o1', reviewId: 'rc' }))
    expect(row()?.reviewScore).toBe(1)
  })

  test('takes each status the orders service tells', () => {
    const { orders, row } = start()
    orders.pipe(Orders, given.orderPlaced({ orderId: 'o1' }))
    const seen = [
      given.orderApproved({ orderId: 'o1', approvedAt: '2018-01-01T00:00:00Z' }),
      given.orderInvoiced({ orderId: 'o1' }),
      given.orderProcessing({ orderId: 'o1' }),
      given.orderShipped({ orderId: 'o1' }),
      given.orderDelivered({ orderId: 'o1' }),
      given.orderUnavailable({ orderId: 'o1' }),
      given.orderCanceled({ orderId: 'o1' }),
    ].map((event) => {
      orders.pipe(Orders, event)
      return row()?.status
    })
    expect(seen).toEqual(['approved', 'invoiced', 'processing', 'shipped', 'delivered', 'unavailable', 'canceled'])
  })

  test('writes one record for all that an epoch changed in it', () => {
    const orders = drive(ordersTopology, { eager: false })
    orders.pipe(Customers, given.customerRegistered({ customerId: 'c1' }))
    orders.pipe(Catalog, given.productListed({ productId: 'p1', category: 'livros' }))
    orders.pipe(Orders, given.orderPlaced({ orderId: 'o1', customerId: 'c1' }))
    orders.pipe(Orders, given.orderApproved({ orderId: 'o1' }))
    orders.pipe(Payments, given.paymentReceived({ orderId: 'o1' }))
    orders.drain()
    const written = orders.read(OrderRows)
    expect(
      written.map(({ row }) => [row?.status, row?.customer?.state, row?.items[0]?.category, row?.paidCents]),
    ).toEqual([['approved', 'SP', 'livros', 1_100]])
  })
})
