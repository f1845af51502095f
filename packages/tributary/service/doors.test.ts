import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultOf } from '#contracts/rules'
import { openDatabase } from '#database/connect'
import { openLog } from '#runtime/log'
import { Registry } from '#runtime/metrics'
import system from '../../../tributary.config.ts'
import { openServer } from './server.ts'

// No database listens: whatever passes the door ends in 503, whatever is refused there in 400.
const servers = new Map<string, FastifyInstance>()
beforeAll(async () => {
  for (const name of ['customers', 'catalog', 'orders', 'reviews'] as const) {
    const db = openDatabase(
      { host: '127.0.0.1', port: 1, database: 'x', user: 'x', password: 'x' },
      { application: 't' },
    )
    const options = { log: openLog(name, 'silent'), metrics: new Registry(), health: () => undefined }
    servers.set(name, await openServer(await system.loadService(name), db, options))
  }
})
afterAll(async () => {
  for (const server of servers.values()) await server.close()
})

async function send(name: string, method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: unknown, more = {}) {
  const headers = { 'content-type': 'application/json', ...more }
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  return servers.get(name)!.inject({ method, url, headers, ...(payload && { payload }) })
}
const passed = (fault: string | undefined) => (fault === undefined ? 503 : 400)

const item = { itemNo: 1, productId: 'p', sellerId: 's', priceCents: 1, freightCents: 0, shipBy: null }
const order = { orderId: 'o', customerId: 'c', purchasedAt: '2018-08-07T10:00:00Z', estimatedAt: null, items: [item] }
const customer = { customerId: 'c', uniqueId: 'u', zip: '1', city: 'c', state: 's' }

/** Texts of every kind: any code point, halves of pairs, control characters, what separates, what is long. */
const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 150 }),
  fc.constantFrom(
    '',
    '.',
    '..',
    '...',
    '/',
    '%2e%2e',
    '%00',
    '\0',
    '\n',
    ' ',
    'a b',
    '\ud800',
    'a\udc00',
    '\u2028',
    'x'.repeat(401),
  ),
  fc.constantFrom('가', '😀', 'ü', '|').chain((c) => fc.nat(450).map((n) => c.repeat(n))),
)

test('a text in a body is taken or refused by its rule, whatever it is', async () => {
  await fc.assert(
    fc.asyncProperty(odd, odd, async (id, state) => {
      const { statusCode } = await send('customers', 'POST', '/customers', { ...customer, customerId: id, state })
      expect(statusCode).toBe(passed(faultOf('id', id) ?? faultOf('state', state)))
    }),
    { numRuns: 300 },
  )
})

test('an id in a path is taken or refused by the same rule as in a body', async () => {
  await fc.assert(
    fc.asyncProperty(odd, async (id) => {
      fc.pre(id.isWellFormed() && !['', '.', '..'].includes(id))
      for (const [method, rest] of [
        ['GET', ''],
        ['POST', '/cancel'],
      ] as const) {
        const { statusCode } = await send('orders', method, `/orders/${encodeURIComponent(id)}${rest}`)
        expect(statusCode).toBe(passed(faultOf('id', id)))
      }
    }),
    { numRuns: 200 },
  )
})

test('an amount is taken or refused by its rule, whatever number it is', async () => {
  const numbers = fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.constantFrom(1e9, 1e9 + 1, -0, 2 ** 53 - 1),
  )
  await fc.assert(
    fc.asyncProperty(numbers, async (priceCents) => {
      const { statusCode } = await send('orders', 'POST', '/orders', { ...order, items: [{ ...item, priceCents }] })
      expect(statusCode).toBe(passed(faultOf('cents', priceCents)))
    }),
    { numRuns: 200 },
  )
})

test.each([
  '0000-06-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '1969-12-31T23:59:59.999Z',
  '1970-01-01T00:00:00+14:00',
  '2200-01-01T00:00:00Z',
  '9999-12-31T23:59:59Z',
  '2024-02-30T00:00:00Z',
  '2023-02-29T00:00:00Z',
  '2024-13-01T00:00:00Z',
  '2024-04-31T00:00:00Z',
  '2024-01-01T24:00:00Z',
  '2024-01-01T00:00:60Z',
  '2024-01-01T00:00:00',
  '2024-01-01',
  '+010000-01-01T00:00:00Z',
  'x'.repeat(100_000),
  '',
  0,
])('an order purchased at %.40s is refused', async (purchasedAt) => {
  const answer = await send('orders', 'POST', '/orders', { ...order, purchasedAt })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().faults).toEqual([expect.stringMatching(/^body\/purchasedAt must be /)])
})

test('orders of any day between 1970 and 2199 are taken', async () => {
  for (const at of [
    '1970-01-01T00:00:00Z',
    '2024-02-29T23:59:59.999Z',
    '2199-12-31T23:59:59.999Z',
    '2024-01-01T02:00:00+05:30',
  ])
    expect((await send('orders', 'POST', '/orders', { ...order, purchasedAt: at })).statusCode).toBe(503)
})

test('an order whose items come to too much together is refused, and why stands in the answer', async () => {
  const items = Array.from({ length: 11 }, (_, n) => ({ ...item, itemNo: n + 1, priceCents: 1_000_000_000 }))
  const answer = await send('orders', 'POST', '/orders', { ...order, items })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().faults).toEqual([
    expect.stringMatching(/^body\/items has priceCents and freightCents of 11000000000/),
  ])
  expect((await send('orders', 'POST', '/orders', { ...order, items: items.slice(1) })).statusCode).toBe(503)
})

test('of a list that is too long its length is told, and nothing of what is in it', async () => {
  const body = `{"orderId":"o","customerId":"c","purchasedAt":"2018-08-07T10:00:00Z","items":[${'{},'.repeat(348_999)}{}]}`
  const answer = await send('orders', 'POST', '/orders', body)
  expect(answer.statusCode).toBe(400)
  expect(answer.json().faults).toEqual([expect.stringMatching(/^body\/items has 349000, at most 400 are possible/)])
})

test('the items of a list that may be so long are judged one by one', async () => {
  const items = [item, { ...item, itemNo: 0 }, { ...item, priceCents: -1 }]
  const { faults } = (await send('orders', 'POST', '/orders', { ...order, items })).json()
  expect(faults).toEqual([
    expect.stringMatching(/^body\/items\/1\/itemNo must be between 1 /),
    expect.stringMatching(/^body\/items\/2\/priceCents must be between 0 /),
  ])
  for (const none of [undefined, null, {}, 'x']) {
    const answer = await send('orders', 'POST', '/orders', { ...order, items: none })
    expect(answer.json().faults).toEqual([expect.stringMatching(/^body\/items (is missing|must be a list)$/)])
  }
})

test.each<[string, () => string, RegExp]>([
  ['400 empty items', () => JSON.stringify({ ...order, items: Array(400).fill({}) }), /^and 1980 more$/],
  ['80,000 unknown names', () => JSON.stringify(Object.fromEntries(numbered(80_000))), /^body Unrecognized keys: .*…$/],
  ['an unknown name of a million letters', () => `{"${'k'.repeat(1_000_000)}":1}`, /^body Unrecognized key: "k+…$/],
  ['a list in a list, half a million times', () => `${'['.repeat(500_000)}${']'.repeat(500_000)}`, /expected object/],
])('the answer to %s is a small one', async (_, body, last) => {
  const answer = await send('orders', 'POST', '/orders', body())
  expect(answer.statusCode).toBe(400)
  expect(answer.body.length).toBeLessThan(10_000)
  expect(answer.json().faults.length).toBeLessThanOrEqual(21)
  expect(answer.json().faults.at(-1)).toMatch(last)
})
const numbered = (count: number) => Array.from({ length: count }, (_, n) => [`k${n}`, 1] as const)

test('what people write is taken: a postcode with a space, any script, emoji, right to left', async () => {
  for (const text of ['AB1 2CD', 'SW1A 1AA', '東京', '😀', 'تل أبيب', 'a\u200fb', "L'Haÿ-les-Roses"]) {
    const body = { ...customer, zip: text, city: text, state: text }
    expect((await send('customers', 'POST', '/customers', body)).statusCode, text).toBe(503)
    expect(
      (await send('catalog', 'POST', '/sellers', { sellerId: text.trim(), zip: text, city: text, state: text }))
        .statusCode,
    ).toBe(503)
  }
})

test("an idempotency key's rules are the same on every method, and come before everything else", async () => {
  const routes = [
    ['customers', 'POST', '/customers'],
    ['customers', 'DELETE', '/customers/c'],
    ['catalog', 'PUT', '/categories/x'],
    ['orders', 'POST', '/orders/o/cancel'],
  ] as const
  for (const [service, method, url] of routes) {
    for (const key of ['', 'x'.repeat(201), 'x'.repeat(4_000), 'schlüssel', 'a\tb']) {
      const answer = await send(service, method, url, method === 'DELETE' ? undefined : '{ this is not JSON', {
        'idempotency-key': key,
      })
      expect(answer.statusCode, `${method} "${key}"`).toBe(400)
      expect(answer.json()).toMatchObject({
        code: 'invalid_key',
        faults: [expect.stringMatching(/^headers\/idempotency-key /)],
      })
    }
  }
  const valid = await send('customers', 'DELETE', '/customers/c', undefined, { 'idempotency-key': 'a key: "1/2"' })
  expect(valid.statusCode).toBe(503)
})
