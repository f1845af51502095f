import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import type { Plain } from 'tributary/contracts'
import { connectStack } from 'tributary/testing/stack'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import system from '#config'
import type { OrderRow } from '#schemas/contracts.generated.ts'
import { reportsServer } from '../../packages/tributary/reports/server.ts'
import { openLog } from '../../packages/tributary/runtime/log.ts'
import { openElasticsearch } from '../../packages/tributary/sink/client.ts'
import { catalogueOf } from '../../packages/tributary/system/catalogue.ts'
import { systemPage } from '../../packages/tributary/system/page.ts'
import { type Sample, sampleOf, sampleRows } from '../testing/sample.ts'
import { writeSample } from '../testing/write-sample.ts'

const client = openElasticsearch(connectStack().env.ELASTICSEARCH_URL!)
let server: FastifyInstance

beforeAll(async () => {
  server = await reportsServer({
    reporting: system,
    client,
    log: openLog('reports', 'silent'),
    system: systemPage(catalogueOf(system), {}),
    state: { freshness: async () => undefined, concerns: async () => [], letters: () => undefined },
  })
})
afterAll(async () => {
  await server.close()
  await client.close()
})

interface ShownPanel {
  readonly id: string
  readonly value?: number
  readonly bars?: readonly { readonly key: string; readonly value: number }[]
  readonly outside?: { readonly documents: number; readonly value: number }
  readonly fault?: { readonly code: string; readonly id: string }
}
const get = async (url: string) => {
  const { statusCode, headers, body } = await server.inject({ url, headers: { host: 'localhost' } })
  return { status: statusCode, headers, body, json: headers['content-type']?.includes('json') ? JSON.parse(body) : {} }
}
async function report(id: string, query = ''): Promise<Map<string, ShownPanel>> {
  const { status, body, json } = await get(`/api/reports/${id}${query}`)
  expect(status, body).toBe(200)
  return new Map((json.panels as ShownPanel[]).map((panel) => [panel.id, panel]))
}
const sum = <T>(rows: readonly T[], of: (row: T) => number) => rows.reduce((total, row) => total + of(row), 0)
const at = (order: Plain<OrderRow>, orderId: string, purchasedAt: number | null): Plain<OrderRow> => ({
  ...order,
  orderId,
  purchasedAt,
})
const YEAR_1 = Date.parse('0001-01-01T00:00:00Z')
const YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z')

describe('orders of the year 1 and the year 9999', () => {
  const usual = sampleRows(300, 40).orders
  const far = [at(usual[0]!, 'first', YEAR_1), at(usual[1]!, 'last', YEAR_9999)]
  const sample: Sample = sampleOf([...usual, ...far])
  beforeAll(() => writeSample(client, sample))

  test('are in every figure, and beside the axis on which the others stay readable', async () => {
    const sales = await report('sales')
    const revenue = sum(sample.sales, (row) => row.revenueCents)
    expect(sales.get('revenue')!.value).toBe(revenue)
    const { bars, outside } = sales.get('revenue-by-day')!
    expect(bars!.length).toBeGreaterThan(30)
    expect(bars!.length).toBeLessThan(170)
    expect(outside!.value).toBe(
      sum(
        sample.sales.filter(({ day }) => !day.startsWith('2018')),
        (row) => row.revenueCents,
      ),
    )
    expect(sum(bars!, ({ value }) => value) + outside!.value).toBe(revenue)
  })

  test.each(['delivery', 'payments', 'customers'])('leave the report %s whole', async (id) => {
    for (const [, panel] of await report(id)) {
      expect(panel.fault).toBeUndefined()
      if (panel.bars) expect(panel.bars.length).toBeLessThan(170)
    }
  })

  test('have an axis of their own where a period narrows the report to them', async () => {
    const early = await report('sales', '?to=0001-12-31')
    expect(early.get('revenue-by-day')!.bars!.map(({ key }) => key)).toEqual(['0001-01-01'])
    const late = await report('payments', '?from=9999-01-01&to=9999-12-31')
    expect(late.get('paid-by-day')!.bars!.map(({ key }) => key)).toEqual(['9999-12-31'])
  })

  test('alone have an axis with bounds', async () => {
    await writeSample(client, sampleOf(far))
    const { bars, outside } = (await report('sales')).get('revenue-by-day')!
    expect(bars!.length).toBeLessThan(170)
    const all = sum(sampleOf(far).sales, (row) => row.revenueCents)
    expect(sum(bars!, ({ value }) => value) + (outside?.value ?? 0)).toBe(all)
  })
})

describe('with one index ill', () => {
  const sample = sampleRows(50)
  beforeAll(() => writeSample(client, sample))
  const illnesses: [string, string, (index: string) => Promise<unknown>, (index: string) => Promise<unknown>][] = [
    ['closed', 'index_closed', (index) => client.indices.close({ index }), (index) => client.indices.open({ index })],
    [
      'blocked',
      'index_blocked',
      (index) => client.indices.putSettings({ index, settings: { 'index.blocks.read': true } }),
      (index) => client.indices.putSettings({ index, settings: { 'index.blocks.read': null } }),
    ],
    [
      'without its alias',
      'no_index',
      (index) => client.indices.deleteAlias({ index, name: 'sales' }),
      () => writeSample(client, sample),
    ],
  ]

  test.each(illnesses)('%s, only its own panels say so', async (_, code, fall, mend) => {
    const index = Object.keys(await client.indices.getAlias({ name: 'sales' }))[0]!
    await fall(index)
    try {
      const panels = await report('sales')
      for (const id of ['revenue', 'revenue-by-day', 'revenue-by-state'])
        expect(panels.get(id)).toMatchObject({ fault: { code, id: expect.stringMatching(/^[0-9a-f-]{36}$/) } })
      expect(panels.get('orders')!.value).toBe(sample.orders.length)
      expect(panels.get('orders-by-status')!.bars!.length).toBeGreaterThan(1)
      const { json } = await get('/api/reports/sales/choices')
      expect(json.state).toEqual([])
      expect(json.status).toContain('delivered')
    } finally {
      await mend(index)
    }
    expect((await report('sales')).get('revenue')).toHaveProperty('value')
  })
})

describe('a search', () => {
  const [first, ...others] = sampleRows(200).orders
  const odd = ['..', 'a/b', '%2F', '#?&=', '__proto__', 'שלום', '😀', '<script>', 'x'.repeat(400), '2'].map(
    (orderId) => ({
      ...first!,
      orderId,
    }),
  )
  // Payments whose order nobody told of, more than a page of a file has.
  const unknown = Array.from({ length: 1_200 }, () => at({ ...first!, status: null }, randomUUID(), null))
  const sample = sampleOf([...odd, ...others, ...unknown])
  beforeAll(() => writeSample(client, sample))
  const ordersIn = ({ documents }: { documents: readonly { readonly document: OrderRow }[] }) =>
    documents.map(({ document }) => document.orderId)
  const find = async (q: string) => (await get(`/api/reports/sales/documents?q=${encodeURIComponent(q)}`)).json

  test('finds an order by the parts that people know of it', async () => {
    const { orderId, customer, items, status, payments } = others[7]!
    const known = [orderId, customer!.customerId, customer!.uniqueId!, items[0]!.productId, items[0]!.sellerId]
    for (const part of [...known, customer!.zip!, items[0]!.category, status!, payments[0]!.type]) {
      const { json } = await get(
        `/api/reports/sales/documents?q=${encodeURIComponent(`${part} ${orderId.slice(0, 20)}`)}`,
      )
      expect(ordersIn(json), part).toContain(orderId)
    }
    const ofCity = sample.orders.filter(({ customer }) => customer!.city === 'são paulo').length
    for (const words of ['paulo', 'PAULO', 'são pau', 'paulo são']) expect((await find(words)).total).toBe(ofCity)
  })

  test('finds every id that an order can have, and shows its order', async () => {
    for (const { orderId } of odd) {
      expect(ordersIn(await find(orderId))).toContain(orderId)
      const { json } = await get(`/api/documents/orders?id=${encodeURIComponent(orderId)}`)
      expect(json.orderId).toBe(orderId)
    }
    expect((await get('/api/documents/orders?id=none')).status).toBe(404)
  })

  test('looks for no middle of a word, and for a single letter only where it is all', async () => {
    expect((await find('oto__')).total).toBe(0)
    expect((await find('*')).total).toBe(0)
    expect(ordersIn(await find('2'))).toEqual(['2'])
  })

  test('as a file has every order once, those last whose date nobody knows', async () => {
    for (const sort of ['newest', 'oldest', 'largest']) {
      const { body } = await get(`/api/reports/sales/documents.csv?sort=${sort}`)
      const lines = body.trim().split('\r\n').slice(1)
      expect(new Set(lines.map((line) => line.slice(0, line.indexOf(',')))).size).toBe(sample.orders.length)
      if (sort !== 'largest') expect(lines.at(-1)).toMatch(/^[^,]+,,,/)
    }
  })

  test('says after its last page that there is no further one, and what to do', async () => {
    expect((await get('/api/reports/sales/documents?page=399')).status).toBe(200)
    const { status, json, headers } = await get('/api/reports/sales/documents?page=400')
    expect({ status, json }).toMatchObject({ status: 400, json: { code: 'invalid' } })
    expect(json.detail).toMatch(/^page: .*CSV/)
    expect(headers['content-type']).toBe('application/problem+json')
    expect(headers['x-content-type-options']).toBe('nosniff')
  })
})

test('more searches at a time than have a turn are told so at once, and when to come again', async () => {
  await writeSample(client, sampleRows(50))
  const answers = await Promise.all(Array.from({ length: 80 }, () => get('/api/reports/sales')))
  const [done, refused] = [200, 503].map((status) => answers.filter((answer) => answer.status === status))
  expect(done!.length).toBeGreaterThanOrEqual(30)
  expect(done!.length + refused!.length).toBe(80)
  for (const { headers, json } of refused!) {
    expect(headers['retry-after']).toBe('2')
    expect(json).toMatchObject({ code: 'busy', retryable: true, id: expect.any(String) })
  }
  expect((await get('/api/reports/sales')).status).toBe(200)
})

test('a page of another site, or under another name, gets nothing', async () => {
  for (const headers of [{ host: 'evil.example' }, { host: 'localhost', origin: 'http://evil.example' }]) {
    for (const url of ['/', '/api/reports/sales/documents', '/api/documents/orders', '/api/state']) {
      const { statusCode } = await server.inject({ url, headers })
      expect(statusCode).toBe(403)
    }
  }
})

test('no address, however odd, is an error of the server', async () => {
  const names = [
    'from',
    'to',
    'day',
    'state',
    'category',
    'status',
    'differs',
    'q',
    'sort',
    'page',
    'id',
    '__proto__',
    '',
  ]
  const dates = [
    '2018-01-01',
    '2024-99-99',
    '0001-01-01',
    '9999-12-31',
    '0000-00-00',
    '+010000-01-01',
    '-1',
    '20180101',
  ]
  const value = fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      'yes',
      'newest',
      '0',
      '399',
      '400',
      '-1',
      '1e9',
      'NaN',
      '%00',
      '%ED%A0%80',
      '%',
      '%E0%A4',
      ...dates,
    ),
    fc.string({ unit: 'binary', maxLength: 30 }).map((text) => encodeURIComponent(text.toWellFormed())),
    fc.string({ maxLength: 12 }).map((text) => text.replace(/[#\s]/g, '+')),
    fc.string({ unit: 'grapheme', minLength: 250, maxLength: 450 }).map((text) => encodeURIComponent(text)),
    fc.constantFrom('*', '?', '*a*', 'a*?\\', '"', '(', '[* TO *]', '/.*/', '\\').map(encodeURIComponent),
  )
  const pair = fc.tuple(fc.constantFrom(...names), value).map(([name, text]) => `${name}=${text}`)
  const path = fc.oneof(
    fc.constantFrom('reports/sales', 'reports/delivery', 'reports/payments', 'reports/customers'),
    fc.constantFrom('reports/sales/documents', 'documents/orders', 'documents/sellers', 'documents/__proto__'),
    fc.constantFrom(
      'reports/sales/choices',
      'state',
      'reports/sales/documents.csv',
      'reports',
      'reports/__proto__',
      'reports/__proto__/documents.csv',
      'documents/orders/%ED%A0%80',
      'documents/orders/%2e%2e',
      'documents/orders//',
      'documents/orders/..%2f',
    ),
    value.map((text) => `documents/orders/${text}`),
    value.map((text) => `documents/${text}`),
    value.map((text) => `reports/${text}/documents`),
  )
  await fc.assert(
    fc.asyncProperty(path, fc.array(pair, { maxLength: 4 }), async (path, pairs) => {
      const { status, body } = await get(`/api/${path}?${pairs.join('&')}`)
      expect(status, body).toBeLessThan(500)
      expect([200, 400, 404]).toContain(status)
    }),
    { numRuns: Number(process.env.QUERY_RUNS ?? 300) },
  )
})
