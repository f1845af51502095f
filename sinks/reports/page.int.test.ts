import type { FastifyInstance } from 'fastify'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { connectStack } from 'tributary/testing/stack'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import system from '#config'
import { reportsServer } from '../../packages/tributary/reports/server.ts'
import type { OpenLetter } from '../../packages/tributary/runtime/dead-letters/letter.ts'
import { openLog } from '../../packages/tributary/runtime/log.ts'
import { openElasticsearch } from '../../packages/tributary/sink/client.ts'
import { catalogueOf } from '../../packages/tributary/system/catalogue.ts'
import { systemPage } from '../../packages/tributary/system/page.ts'
import { sampleOf, sampleRows } from '../testing/sample.ts'
import { writeSample } from '../testing/write-sample.ts'

const { env } = connectStack()
const client = openElasticsearch(env.ELASTICSEARCH_URL!)
const sample = sampleRows(300, 40)
const completeThrough = '2026-01-02T03:04:05.678Z'
const letter = (n: number, key: string): OpenLetter => ({
  id: `orders.events/0/${n}`,
  app: 'processor-orders',
  topic: 'orders.events',
  partition: 0,
  offset: n,
  timestamp: 0,
  reason: 'unreadable',
  message: 'it has no <b>schema</b>',
  key: Buffer.from(key),
  at: '2026-01-01T00:00:00.000Z',
  place: n,
})
const letters = [letter(7, '<script>alert(1)</script>'), letter(8, '../%2F?#')]
let server: FastifyInstance
let browser: Browser
let url: string
let page: Page
let complaints: string[]

beforeAll(async () => {
  await writeSample(client, sample)
  server = await reportsServer({
    reporting: system,
    client,
    log: openLog('reports', 'silent'),
    system: systemPage(catalogueOf(system), { ORDERS_PORT: '14003' }),
    state: {
      freshness: async () => ({ readModels: { orders: { completeThrough, lagMs: 1_500, exceptCount: 2 } } }),
      concerns: async () => [
        { part: 'orders', what: 'its slot keeps 3 GB', remedy: 'npx --no tributary connectors status' },
      ],
      letters: () => letters,
    },
  })
  url = await server.listen({ host: '127.0.0.1', port: 0 })
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
})
afterEach(async () => {
  expect(complaints).toEqual([])
  await page.context().close()
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
  await client.close()
})

const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 900 } }
const phone: BrowserContextOptions = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }

/** Opens the page and waits for its figures; what the browser complains of fails the test. */
async function open(path = '/', how = desktop): Promise<void> {
  const context = await browser.newContext(how)
  page = await context.newPage()
  complaints = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(url + path)
  await page.locator('.number').first().waitFor()
  await page.locator('#documents tr').first().waitFor()
}
const figure = async (panel: string) => Number(await page.locator(`#panel-${panel} .value`).getAttribute('data-value'))
/** A chart's bars: what they stand for, and their figures. */
async function bars(panel: string): Promise<Map<string, number>> {
  const marked = await page.locator(`#panel-${panel} [data-key]`).all()
  return new Map(
    await Promise.all(
      marked.map(async (bar) => {
        const own = await bar.getAttribute('data-value')
        const value = own ?? (await bar.locator('.value').getAttribute('data-value'))
        return [(await bar.getAttribute('data-key'))!, Number(value)] as const
      }),
    ),
  )
}
const sum = <T>(rows: readonly T[], of: (row: T) => number) => rows.reduce((total, row) => total + of(row), 0)

test('the figures are those of the read models', async () => {
  await open()
  expect(await figure('revenue')).toBe(sum(sample.sales, (row) => row.revenueCents))
  expect(await figure('orders')).toBe(sample.orders.length)
  const byStatus = Map.groupBy(sample.orders, (order) => order.status!)
  expect(await bars('orders-by-status')).toEqual(new Map([...byStatus].map(([status, all]) => [status, all.length])))
  const byDay = Map.groupBy(sample.sales, (row) => row.day)
  const shown = [...(await bars('revenue-by-day'))].filter(([, value]) => value > 0)
  expect(new Map(shown)).toEqual(new Map([...byDay].map(([day, rows]) => [day, sum(rows, (row) => row.revenueCents)])))
})

test.each(['delivery', 'payments', 'customers'])('the report %s shows a figure in every panel', async (report) => {
  await open(`/?report=${report}`)
  await page.locator('.chart').first().waitFor()
  expect(await page.locator('.number .value', { hasText: /^–$/ }).count()).toBe(0)
  expect(await page.locator('.chart .none').count()).toBe(0)
})

test('it says as of when its data are, by the clock of the server, and but for how many keys', async () => {
  await open()
  await page.locator('#freshness[data-through]').waitFor()
  // The browser's clock is years away from this moment.
  expect(await page.locator('#freshness').getAttribute('class')).toContain('live')
  expect(await page.locator('#freshness').textContent()).toBe('Data as of 03:04:05 UTC, except 2 keys')
})

test('it lists the open dead letters, each with the command that shows it, and what else is not well', async () => {
  await open()
  await page.locator('#dead-letters', { hasText: '2 open dead letters' }).click()
  await page.locator('#letters[open]').waitFor()
  const shown = await page.locator('#letters').textContent()
  for (const { id, key } of letters) {
    expect(shown).toContain(`npx --no tributary dead-letters show ${id}`)
    expect(shown).toContain(key!.toString())
  }
  expect(shown).toContain('it has no <b>schema</b>')
  await page.keyboard.press('Escape')
  await page.locator('#concerns', { hasText: '1 concern' }).click()
  await page.locator('#letters', { hasText: 'its slot keeps 3 GB' }).waitFor()
})

test('every id that an order can have is listed, shown and kept in the address', async () => {
  const [first] = sample.orders
  const odd = [
    'a/b',
    '..',
    '%2F%',
    '?a=b&c#d',
    '__proto__',
    'constructor',
    '<script>alert(1)</script>',
    'שלום',
    '😀',
    'x'.repeat(400),
  ]
  await writeSample(client, sampleOf(odd.map((orderId) => ({ ...first!, orderId, reviewScore: 9 }))))
  try {
    for (const how of [desktop, phone]) {
      await open('/', how)
      for (const orderId of odd) {
        await page
          .locator('#documents tr')
          .filter({ has: page.getByText(orderId, { exact: true }) })
          .locator('.open')
          .click()
        await page.locator('#detail[open]').waitFor()
        await page.locator('#detail-title', { hasText: orderId }).waitFor()
        expect(new URL(page.url()).searchParams.get('order')).toBe(orderId)
        expect(await page.locator('#detail').evaluate((dialog) => dialog.scrollWidth <= dialog.clientWidth)).toBe(true)
        await page.keyboard.press('Escape')
        await page.locator('#detail').waitFor({ state: 'hidden' })
      }
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
      if (how === desktop) await page.context().close()
    }
  } finally {
    await writeSample(client, sample)
  }
}, 120_000)

test('a panel that fails says so in its place, and the rest of the page stands', async () => {
  const [index] = Object.keys(await client.indices.getAlias({ name: 'sales' }))
  await client.indices.close({ index: index! })
  try {
    await open()
    await page
      .locator('#panel-revenue[data-fault="index_closed"]', { hasText: 'The index of “sales” is closed.' })
      .waitFor()
    expect(await figure('orders')).toBe(sample.orders.length)
  } finally {
    await client.indices.open({ index: index!, wait_for_active_shards: 1 })
  }
})

test('a search finds an order by the beginning of its id, and its detail shows all of its parts', async () => {
  const order = sample.orders.find(({ items, deliveredAt }) => items.length > 1 && deliveredAt !== null)!
  await open()
  await page.fill('#search', order.orderId.slice(0, 20))
  await page.locator('#total[data-value="1"]').waitFor()
  await page.locator(`[data-id="${order.orderId}"]`).click()
  await page.locator('#detail[open]').waitFor()
  const shown = await page.locator('#detail').textContent()
  const { customer, items, payments } = order
  for (const part of [
    order.orderId,
    order.status,
    customer?.uniqueId,
    customer?.customerId,
    customer?.city,
    customer?.zip,
  ])
    expect(shown).toContain(part)
  for (const { productId, sellerId } of items) {
    expect(shown).toContain(productId)
    expect(shown).toContain(sellerId)
  }
  expect(shown).toContain(`Items (${items.length})`)
  expect(shown).toContain(`Payments (${payments.length})`)
  const times = await page
    .locator('#detail .steps time')
    .evaluateAll((all) => all.map((time) => time.getAttribute('datetime')))
  const known = [order.purchasedAt, order.approvedAt, order.shippedAt, order.deliveredAt, order.estimatedAt]
  expect(times).toEqual(known.map((at) => new Date(at!).toISOString()))
})

test('what a document names leads to its own document, and back', async () => {
  const order = sample.orders.find(({ items }) => items.length > 0)!
  const seller = sample.sellers.find(({ sellerId }) => sellerId === order.items[0]!.sellerId)!
  await open(`/?order=${order.orderId}`)
  await page.locator('#detail a', { hasText: seller.sellerId }).first().click()
  await page.locator('#detail-title', { hasText: seller.sellerId }).waitFor()
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ seller: seller.sellerId })
  const shown = await page.locator('#detail').textContent()
  for (const part of [seller.city, seller.state, 'Late orders']) expect(shown).toContain(part)
  await page.goBack()
  await page.locator('#detail-title', { hasText: order.orderId }).waitFor()
  await page.keyboard.press('Escape')
  await page.locator('#detail').waitFor({ state: 'hidden' })
  // The address follows when the dialog says that it is closed, a moment after it is.
  await page.waitForURL((url) => url.search === '')
})

test('the page is what the config says: its texts, its language and its money', async () => {
  await open('/?report=payments')
  expect(await page.title()).toBe(`Payments · ${system.title}`)
  expect(await page.locator('html').getAttribute('lang')).toBe('en-IE')
  expect(await page.locator('#columns').textContent()).toBe('OrderPurchased (UTC)CustomerItemsTotalPaidScoreStatus')
  expect(await page.locator('#documents .num.right').first().textContent()).toMatch(/^R\$[\d,]+\.\d\d$/)
  await page.locator('#filters option[value="toys"]').waitFor({ state: 'attached' })
  expect(await page.locator('#filters select[name="category"] option').allTextContents()).toEqual([
    'All categories',
    'bed bath table',
    'garden tools',
    'health beauty',
    'perfumery',
    'toys',
    'unknown',
    'watches gifts',
  ])
})

test('a search by city and product narrows the list to orders with both', async () => {
  const { productId } = sample.orders[0]!.items[0]!
  const fitting = sample.orders.filter(
    ({ customer, items }) => customer!.city!.includes('paulo') && items.some((item) => item.productId === productId),
  )
  await open(`/?q=${encodeURIComponent(`paulo ${productId}`)}`).catch(() => {})
  await page.locator(`#total[data-value="${fitting.length}"]`).waitFor()
})

test('a bar narrows the figures and the list; what cannot be narrowed says so; the address keeps it', async () => {
  await open()
  const canceled = sample.orders.filter(({ status }) => status === 'canceled').length
  await page.locator('#panel-orders-by-status [data-key="canceled"]').click()
  await page.locator(`#total[data-value="${canceled}"]`).waitFor()
  expect(new URL(page.url()).searchParams.get('status')).toBe('canceled')
  await page.locator(`#panel-orders [data-value="${canceled}"]`).waitFor()
  expect(await page.locator('#panel-revenue .unused').textContent()).toBe('Not narrowed by status.')
  expect(await page.locator('#panel-orders .unused').count()).toBe(0)
  await page.goBack()
  await page.locator('#panel-revenue .unused').waitFor({ state: 'detached' })
  await page.locator(`#total[data-value="${sample.orders.length}"]`).waitFor()
})

test('a day of the axis narrows the report to it', async () => {
  const day = '2018-01-10'
  await open()
  await page.locator(`#panel-revenue-by-day [data-key="${day}"]`).click({ force: true })
  const ofDay = sample.orders.filter(({ purchasedAt }) => new Date(purchasedAt!).toISOString().startsWith(day))
  await page.locator(`#total[data-value="${ofDay.length}"]`).waitFor()
  await page
    .locator(
      `#panel-revenue [data-value="${sum(
        sample.sales.filter((row) => row.day === day),
        (row) => row.revenueCents,
      )}"]`,
    )
    .waitFor()
})

test('everything can be done with the keyboard', async () => {
  await open()
  await page.keyboard.press('/')
  expect(await page.evaluate('document.activeElement?.id')).toBe('search')
  await page.keyboard.type(sample.orders[5]!.orderId)
  await page.locator('#total[data-value="1"]').waitFor()
  await page.locator('#documents .open').focus()
  await page.keyboard.press('Enter')
  await page.locator('#detail[open]').waitFor()
  await page.keyboard.press('Escape')
  await page.locator('#detail').waitFor({ state: 'hidden' })
  const slots = page.locator('#panel-revenue-by-day .slot')
  await slots.last().focus()
  await page.keyboard.press('ArrowLeft')
  const focused = await page.evaluate(`document.activeElement?.getAttribute('data-key')`)
  expect(focused).toBe(await slots.nth((await slots.count()) - 2).getAttribute('data-key'))
  expect(await page.locator('#tip').isVisible()).toBe(true)
  await page.keyboard.press('Enter')
  await page.waitForURL(/from=/)
  expect(new URL(page.url()).searchParams.get('from')).toBe(focused)
})

test.each(['/', '/?report=delivery', '/?report=payments', '/?report=customers'])(
  'nothing runs out of a phone at %s',
  async (path) => {
    await open(path, phone)
    await page.locator('.chart').first().waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    await page.locator('#documents tr').first().locator('.open').click()
    await page.locator('#detail[open]').waitFor()
    expect(await page.locator('#detail').evaluate((dialog) => dialog.scrollWidth <= dialog.clientWidth)).toBe(true)
  },
)

test('the list can be taken away as CSV, as it is filtered', async () => {
  await open('/?status=canceled')
  const href = await page.locator('#csv').getAttribute('href')
  const lines = (await (await fetch(`${url}/${href}`)).text()).trim().split('\r\n')
  expect(lines).toHaveLength(1 + sample.orders.filter(({ status }) => status === 'canceled').length)
})

test('the page may load nothing but what its server serves, and nothing inline', async () => {
  await open()
  const response = await fetch(url)
  expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'self'/)
  expect(await response.text()).not.toMatch(/<script(?![^>]*src=)|style="|https?:\/\//)
})

test('a request that makes no sense is refused with a reason', async () => {
  await open()
  expect((await fetch(`${url}/api/reports/none`)).status).toBe(404)
  expect((await fetch(`${url}/api/reports/sales/documents?from=yesterday`)).status).toBe(400)
  expect((await fetch(`${url}/api/documents/orders/none`)).status).toBe(404)
})
