import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '#database/connect'
import { openLog } from '#runtime/log'
import { Registry } from '#runtime/metrics'
import { services } from '../../../tests/harness/marketplace.ts'
import system from '../../../tributary.config.ts'
import { openServer } from './server.ts'

const servers = new Map<string, FastifyInstance>()
/** Nothing listens there: whatever passes the validation ends in 503. */
const nowhere = { host: '127.0.0.1', port: 1, database: 'x', user: 'x', password: 'x' }

beforeAll(async () => {
  for (const name of services) {
    const db = openDatabase(nowhere, { application: 'test' })
    const options = { log: openLog(name, 'silent'), metrics: new Registry(), health: () => undefined }
    servers.set(name, await openServer(await system.loadService(name), db, options))
  }
})
afterAll(async () => {
  for (const server of servers.values()) await server.close()
})

const post = (service: string, url: string, payload?: object) =>
  servers.get(service)!.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    ...(payload && { payload }),
  })

test('all faults of a request are listed at once', async () => {
  const { statusCode, body } = await post('payments', '/payments', { orderId: 7, cents: -1, zip: 'x' })
  expect(statusCode).toBe(400)
  expect(JSON.parse(body)).toMatchObject({ code: 'invalid', retryable: false })
  expect(JSON.parse(body).faults).toEqual(
    expect.arrayContaining([
      'body/orderId must be a text',
      expect.stringMatching(/^body\/cents must be between 0 and 1000000000/),
      'body/sequence is missing',
      'body Unrecognized key: "zip"',
    ]),
  )
})

test.each([
  ['a fraction of a cent', { cents: 1.5 }],
  ['cents as a text', { cents: '100' }],
  ['negative installments', { installments: -1 }],
  ['an id with a slash', { orderId: 'a/b' }],
])('%s is refused', async (_, fault) => {
  const payment = { orderId: 'o', sequence: 1, type: 'boleto', installments: 1, cents: 100 }
  expect((await post('payments', '/payments', { ...payment, ...fault })).statusCode).toBe(400)
})

test.each(['2018-08-07', '2018-08-07T10:00:00', 'yesterday', 0])('%j is not an instant', async (approvedAt) => {
  expect((await post('orders', '/orders/o/approve', { approvedAt })).statusCode).toBe(400)
})

test('an order has at most 400 items, and a payment no sequence beyond 100', async () => {
  const item = { itemNo: 1, productId: 'p', sellerId: 's', priceCents: 1, freightCents: 0, shipBy: null }
  const order = { orderId: 'o', customerId: 'c', purchasedAt: '2018-08-07T10:00:00Z', estimatedAt: null }
  const items = Array.from({ length: 401 }, (_, i) => ({ ...item, itemNo: i + 1 }))
  expect((await post('orders', '/orders', { ...order, items })).statusCode).toBe(400)
  expect((await post('orders', '/orders', { ...order, items: items.slice(1) })).statusCode).toBe(503)
  const payment = { orderId: 'o', sequence: 101, type: 'boleto', installments: 1, cents: 100 }
  expect((await post('payments', '/payments', payment)).statusCode).toBe(400)
})

test('the longest id there can be finds its route', async () => {
  const shipment = encodeURIComponent(`${'ü'.repeat(100)}-${'あ'.repeat(100)}`)
  expect((await post('shipping', `/shipments/${shipment}/ship`, { shippedAt: null })).statusCode).toBe(503)
})

test('a score is 1 to 5', async () => {
  const review = { orderId: 'o', reviewId: 'r', title: null, comment: null, createdAt: '2018-08-07T10:00:00Z' }
  for (const score of [0, 6, 1.5])
    expect((await post('reviews', '/reviews', { ...review, score })).statusCode).toBe(400)
})

test('while the database is away a valid command may be tried again later', async () => {
  const { statusCode, body } = await post('orders', '/orders/o/cancel')
  expect(statusCode).toBe(503)
  expect(JSON.parse(body)).toMatchObject({ code: 'unavailable', retryable: true })
})

test('an order is not canceled by what a form or a page of another site can send', async () => {
  const inject = (headers: Record<string, string>) =>
    servers.get('orders')!.inject({ method: 'POST', url: '/orders/o/cancel', headers })
  expect((await inject({})).statusCode).toBe(415)
  expect((await inject({ 'content-type': 'text/plain' })).statusCode).toBe(415)
  const json = { 'content-type': 'application/json' }
  expect((await inject({ ...json, origin: 'https://evil.example' })).statusCode).toBe(403)
  expect((await inject({ ...json, host: 'evil.example' })).statusCode).toBe(403)
  expect((await inject(json)).statusCode).toBe(503)
})

test('every service describes its routes as OpenAPI, with their problems and bounds', async () => {
  for (const [name, server] of servers) {
    const { openapi, paths } = (await server.inject('/openapi.json')).json()
    for (const [path, methods] of Object.entries(paths as Record<string, Record<string, { responses: object }>>)) {
      for (const [method, { responses }] of Object.entries(methods)) {
        const problems = Object.values(responses).flatMap(({ content }) => Object.keys(content ?? {}))
        expect(problems, `${method} ${path}`).toContain('application/problem+json')
      }
    }
    if (name === 'payments') {
      const { properties } = paths['/payments'].post.requestBody.content['application/json'].schema
      expect(properties.cents).toMatchObject({ type: 'integer', minimum: 0, maximum: 1_000_000_000 })
      expect(properties.orderId).toMatchObject({ type: 'string', maxLength: 400, 'x-maxBytes': 400 })
    }
    if (name === 'orders') {
      const { properties, required } = paths['/orders'].post.requestBody.content['application/json'].schema
      expect(properties.items).toMatchObject({ type: 'array', maxItems: 400, items: { type: 'object' } })
      expect(required).toContain('items')
    }
    expect(openapi, name).toMatch(/^3\./)
    const posts = Object.values(paths as Record<string, { post?: { parameters?: { name: string }[] } }>)
    expect(
      posts.some((path) => path.post?.parameters?.some((p) => p.name === 'idempotency-key')),
      name,
    ).toBe(true)
  }
})

test('an unknown route says where the routes are', async () => {
  const { statusCode, body } = await post('orders', '/nowhere')
  expect(statusCode).toBe(404)
  expect(JSON.parse(body)).toMatchObject({ code: 'no_route', retryable: false })
})
