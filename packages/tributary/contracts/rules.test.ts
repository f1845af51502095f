import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OrderPlaced, ReviewWritten } from '../../../schemas/contracts.generated.ts'
import rules from '../../../schemas/rules.json' with { type: 'json' }
import { domainTopics } from '../../../tests/harness/marketplace.ts'
import { eventFaults, faultOf, type Kind, kindOf, listRuleOf } from './rules.ts'

describe('an id', () => {
  test.each([
    'a',
    'o-tour',
    'A B',
    'a|b',
    'a%2Fb',
    '😀',
    'שלום',
    'مرحبا',
    'é',
    'é',
    '...',
    '.a',
    "'",
    '"',
    '\\',
    '?',
    '#',
  ])('may be %s', (id) => {
    expect(faultOf('id', id)).toBeUndefined()
  })

  test.each([
    ['', /empty/],
    ['.', /step in the path/],
    ['..', /step in the path/],
    ['a/b', /must not have a "\/"/],
    [' a', /white space/],
    ['a\u00a0', /white space/],
    ['a\nb', /line break/],
    ['a\tb', /control/],
    ['a\u0000', /NUL/],
    ['a\u0085b', /control/],
    ['a\ud800b', /surrogate/],
    ['\udc00', /surrogate/],
    ['가'.repeat(134), /402 bytes, at most 400/],
    [7, /text/],
  ])('is not %j, and it is said why', (id, why) => {
    expect(faultOf('id', id)).toMatch(why)
  })

  test('that is taken is carried by path, key, header of a record, JSON and _id', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (id) => {
        fc.pre(faultOf('id', id) === undefined)
        const { pathname } = new URL(`http://localhost/orders/${encodeURIComponent(id)}/cancel`)
        expect(decodeURIComponent(pathname.split('/')[2]!)).toBe(id)
        expect(Buffer.from(id).toString()).toBe(id)
        expect(Buffer.byteLength(id)).toBeLessThanOrEqual(512)
        expect(JSON.parse(JSON.stringify(id))).toBe(id)
      }),
      { numRuns: 5_000 },
    )
  })
})

test.each<[Kind, unknown]>([
  ['zip', 'AB1 2CD'],
  ['zip', '01310-100'],
  ['name', 'Île-de-France | Δ'],
  ['state', '100%'],
  ['category', 'home/garden'],
  ['comment', 'two\r\nlines\tand a bell\u0007 👩‍👩‍👧'],
  ['title', ''],
  ['cents', 1_000_000_000],
  ['instant', 0],
  ['instant', Date.parse('2199-12-31T23:59:59.999Z')],
])('%s may be %j', (kind, value) => {
  expect(faultOf(kind, value)).toBeUndefined()
})

test.each<[Kind, unknown]>([
  ['zip', ''],
  ['state', '가'.repeat(100)],
  ['category', '..'],
  ['name', 'a\u2028b'],
  ['comment', 'a\0'],
  ['cents', 1_000_000_001],
  ['cents', -1],
  ['cents', 0.5],
  ['cents', Number.NaN],
  ['cents', '1'],
  ['cents', 1n],
  ['score', 6],
  ['sequence', 101],
  ['instant', -1],
  ['instant', Date.parse('2200-01-01T00:00:00Z')],
  ['instant', Date.parse('0001-01-01T00:00:00Z')],
  ['instant', Number.POSITIVE_INFINITY],
  ['idempotencyKey', ''],
  ['idempotencyKey', 'ü'],
  ['idempotencyKey', 'x'.repeat(201)],
])('%s is not %s', (kind, value) => {
  expect(faultOf(kind, value)).toBeTypeOf('string')
})

test('every field of every event has a rule', () => {
  const without: string[] = []
  const walk = (fields: readonly { name: string; type: unknown }[], path: string) => {
    for (const { name, type } of fields) {
      const items = (type as { items?: { fields?: never } }).items
      if (items?.fields) walk(items.fields, `${path}${name}[].`)
      if (items ? !listRuleOf(name) : !kindOf(name)) without.push(path + name)
    }
  }
  for (const topic of domainTopics) {
    for (const [name, { schema }] of Object.entries(topic.events)) walk(schema.fields as never, `${name}.`)
  }
  expect(without).toEqual([])
})

test("sums over 900,000 orders stay exact, whatever their amounts are, and those over an order's payments", () => {
  const order = rules.lists.items.sum.max
  const paid = rules.kinds.cents.max * (rules.kinds.sequence.max + 1)
  expect(order * 900_000).toBeLessThan(Number.MAX_SAFE_INTEGER)
  expect(paid * 89_000).toBeLessThan(Number.MAX_SAFE_INTEGER)
})

describe('an event', () => {
  const item = { itemNo: 1, productId: 'p', sellerId: 's', priceCents: 1, freightCents: 0, shipBy: null }
  const order = { orderId: 'o', customerId: 'c', purchasedAt: 0, estimatedAt: null, items: [item] }

  test('that keeps the rules has no faults; what is null needs none', () => {
    expect(eventFaults(OrderPlaced)(order)).toEqual([])
    const review = { orderId: 'o', reviewId: 'r', score: 5, title: null, comment: '', createdAt: 0 }
    expect(eventFaults(ReviewWritten)(review)).toEqual([])
  })

  test('with a list that is too long has that one fault, whatever is in the list', () => {
    const faults = eventFaults(OrderPlaced)({ ...order, items: Array(401).fill({ ...item, itemNo: 0 }) })
    expect(faults).toEqual([expect.stringMatching(/^items has 401, at most 400 are possible/)])
  })

  test('has all of its faults named by their paths', () => {
    const bad = { ...order, orderId: '..', purchasedAt: -1, items: [item, { ...item, priceCents: 2 ** 53 - 1 }] }
    expect(eventFaults(OrderPlaced)(bad)).toEqual([
      expect.stringMatching(/^orderId must not be "\.\."/),
      expect.stringMatching(/^purchasedAt must be between 1970/),
      expect.stringMatching(/^items\[\]\.priceCents must be between 0 and 1000000000/),
      expect.stringMatching(/^items has priceCents and freightCents of 9007199254740992 together/),
    ])
  })
})
