import { describe, expect, test } from 'vitest'
import type { Marketplace, Order } from './marketplace.ts'
import { IllegalStep, statusAfter } from './outcome.ts'
import { type Command, commandsOf, mastersOf, mastersWithoutOrder } from './script.ts'

const at = (day: number) => Date.UTC(2018, 0, day)
const item = (itemNo: number, productId: string, sellerId: string) => ({
  itemNo,
  productId,
  sellerId,
  priceCents: 100,
  freightCents: 10,
  shipBy: null,
})
const order = (over: Partial<Order>): Order => ({
  orderId: 'o1',
  customerId: 'c1',
  status: 'created',
  purchasedAt: at(1),
  approvedAt: null,
  shippedAt: null,
  deliveredAt: null,
  estimatedAt: at(20),
  items: [item(1, 'p1', 's1')],
  payments: [],
  reviews: [],
  ...over,
})
const kindsOf = (over: Partial<Order>) =>
  commandsOf(order(over))
    .map((command) => command.kind)
    .join(' ')
const find = (commands: Command[], kind: Command['kind']) =>
  commands.filter((command) => command.kind === kind).map(({ path, body }) => [path, JSON.parse(body)])

describe('the life of an order', () => {
  test.each<[string, Partial<Order>]>([
    ['place', { status: 'created' }],
    ['place approve', { status: 'approved', approvedAt: at(2) }],
    ['place approve invoice', { status: 'invoiced', approvedAt: at(2) }],
    ['place approve invoice process', { status: 'processing', approvedAt: at(2) }],
    ['place approve prepare ship', { status: 'shipped', approvedAt: at(2), shippedAt: at(3) }],
    ['place approve prepare ship', { status: 'shipped', items: [], approvedAt: at(2), shippedAt: at(3) }],
    ['place approve prepare ship deliver', { status: 'delivered', deliveredAt: at(4), shippedAt: at(3) }],
    ['place approve prepare ship deliver', { status: 'delivered', approvedAt: at(2) }],
    ['place unavailable', { status: 'unavailable' }],
    ['place approve unavailable', { status: 'unavailable', approvedAt: at(2) }],
    ['place cancel', { status: 'canceled', items: [] }],
    ['place approve cancel', { status: 'canceled', approvedAt: at(2) }],
    ['place approve prepare ship cancel', { status: 'canceled', approvedAt: at(2), shippedAt: at(3) }],
    ['place prepare ship deliver cancel', { status: 'canceled', shippedAt: at(3), deliveredAt: at(4) }],
  ])('%s', (kinds, over) => {
    expect(kindsOf(over)).toBe(kinds)
    expect(statusAfter(commandsOf(order(over)))).toBe(over.status)
  })

  test('payments come before the approval, reviews after the delivery, canceling last', () => {
    const payments = [1, 3].map((sequence) => ({ sequence, type: 'voucher', installments: 1, cents: 5 }))
    const review = { reviewId: 'r', score: 1, title: null, comment: null, createdAt: at(1), answeredAt: at(9) }
    const over = { approvedAt: at(2), shippedAt: at(3), deliveredAt: at(4), payments, reviews: [review] }
    expect(kindsOf({ status: 'canceled', ...over })).toBe(
      'place pay pay approve prepare ship deliver review answer cancel',
    )
  })

  test('one shipment per seller, all prepared before the first is shipped, all shipped before the first arrives', () => {
    const items = [item(1, 'p1', 's1'), item(2, 'p2', 's2'), item(3, 'p3', 's1')]
    expect(kindsOf({ status: 'delivered', items, shippedAt: at(3), deliveredAt: at(4) })).toBe(
      'place approve prepare prepare ship ship deliver deliver',
    )
  })

  test('an order without items is sent as one shipment without a seller', () => {
    const commands = commandsOf(order({ status: 'shipped', items: [], shippedAt: at(3) }))
    expect(find(commands, 'prepare')).toEqual([['/shipments', { orderId: 'o1', sellerId: null }]])
    expect(find(commands, 'ship')).toEqual([['/shipments/o1-none/ship', { shippedAt: '2018-01-03T00:00:00.000Z' }]])
  })

  test('what happened at no known time happens at null', () => {
    const commands = commandsOf(order({ status: 'delivered' }))
    expect(find(commands, 'approve')).toEqual([['/orders/o1/approve', { approvedAt: null }]])
    expect(find(commands, 'ship')).toEqual([['/shipments/o1-s1/ship', { shippedAt: null }]])
    expect(find(commands, 'deliver')).toEqual([['/shipments/o1-s1/deliver', { deliveredAt: null }]])
  })

  test('a review without a time is dated by the purchase, and not answered', () => {
    const review = { reviewId: 'r', score: 1, title: null, comment: 'x', createdAt: null, answeredAt: null }
    const commands = commandsOf(order({ reviews: [review] }))
    expect(find(commands, 'review')[0]?.[1]).toMatchObject({ createdAt: '2018-01-01T00:00:00.000Z' })
    expect(find(commands, 'answer')).toEqual([])
  })
})

test('the same command has the same key, another body another key', () => {
  const [first, again, other] = [order({}), order({}), order({ estimatedAt: null })].map((it) => commandsOf(it)[0])
  expect(first?.key).toMatch(/^load:[\w-]{27}$/)
  expect(again?.key).toBe(first?.key)
  expect(other?.key).not.toBe(first?.key)
})

describe('what orders refer to', () => {
  const address = { zip: '01151', city: 'são paulo', state: 'SP' }
  const product = (productId: string, category: string | null) => ({
    productId,
    category,
    nameLength: null,
    descriptionLength: null,
    photos: null,
    weightG: null,
    lengthCm: null,
    heightCm: null,
    widthCm: null,
  })
  const market: Marketplace = {
    customers: new Map(['c1', 'c2'].map((id) => [id, { customerId: id, uniqueId: 'u', ...address }])),
    products: new Map(
      [product('p1', 'artes'), product('p2', null), product('p3', 'jogos')].map((p) => [p.productId, p]),
    ),
    sellers: new Map(['s1', 's2'].map((id) => [id, { sellerId: id, ...address }])),
    translations: new Map([
      ['artes', 'art'],
      ['música & cia', 'music'],
    ]),
    orders: [order({ items: [item(1, 'p1', 's1'), item(2, 'p1', 's1'), item(3, 'p2', 's1')] })],
  }

  test('is told once per order, translations before their products', () => {
    expect(mastersOf(market, market.orders[0]!).map((master) => master.id)).toEqual([
      'customer/c1',
      'seller/s1',
      'category/artes',
      'product/p1',
      'product/p2',
    ])
  })

  test('the rest is what no order refers to', () => {
    const rest = mastersWithoutOrder(market)
    expect(rest.map((master) => master.id)).toEqual(['category/música & cia', 'product/p3', 'seller/s2', 'customer/c2'])
    expect(rest[0]?.command()).toMatchObject({ method: 'PUT', path: '/categories/m%C3%BAsica%20%26%20cia' })
  })

  test('an order that refers to nothing is a clear error', () => {
    const lost = order({ items: [item(1, 'p9', 's1')] })
    expect(() => mastersOf(market, lost)).toThrow(`order "o1" refers to product "p9", which isn't there`)
  })
})

describe('the rules of the business', () => {
  const steps = (...kinds: Command['kind'][]) =>
    kinds.map((kind): Command => ({ kind, service: 'orders', method: 'POST', path: '/', body: '{}', key: '' }))

  test.each([
    [steps('pay'), /before the order is placed/],
    [steps('place', 'invoice'), /not legal for an order that is created/],
    [steps('place', 'cancel', 'pay'), /after the order is canceled/],
    [steps('place', 'ship'), /before the shipment is prepared/],
    [steps('place', 'prepare', 'deliver'), /before the shipment is shipped/],
    [steps('place', 'prepare', 'ship', 'prepare'), /after a shipment of the order was shipped/],
  ])('forbid %#', (commands, why) => {
    expect(() => statusAfter(commands)).toThrow(IllegalStep)
    expect(() => statusAfter(commands)).toThrow(why)
  })

  test('an order is delivered with its last shipment', () => {
    expect(statusAfter(steps('place', 'prepare', 'prepare', 'ship', 'ship', 'deliver'))).toBe('shipped')
  })
})
