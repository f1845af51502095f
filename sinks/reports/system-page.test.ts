import { existsSync } from 'node:fs'
import type { Client } from '@elastic/elasticsearch'
import type { FastifyInstance } from 'fastify'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import system from '#config'
import { reportsServer } from '../../packages/tributary/reports/server.ts'
import { openLog } from '../../packages/tributary/runtime/log.ts'
import { catalogueOf } from '../../packages/tributary/system/catalogue.ts'
import { systemPage } from '../../packages/tributary/system/page.ts'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
let server: FastifyInstance
let url: string
beforeAll(async () => {
  server = await reportsServer({
    reporting: system,
    client: {} as Client,
    log: openLog('reports', 'silent'),
    state: { freshness: async () => undefined, concerns: async () => [], letters: () => undefined },
    system: systemPage(catalogueOf(system), { ORDERS_PORT: '14003', PAYMENTS_URL: 'http://127.0.0.1:14004' }),
  })
  url = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => server?.close())

test('it is served without anything being asked of the search, and takes no parameters', async () => {
  const { services, drawings, ports } = (await server.inject('/api/system')).json()
  expect(services.map(({ name }: { name: string }) => name)).toEqual(system.services)
  expect(Object.keys(drawings)).toEqual([...system.topologies.keys()])
  expect(ports).toEqual({ orders: 14003, payments: 14004 })
  expect((await server.inject('/api/system?x=1')).statusCode).toBe(400)
})

describe.skipIf(!existsSync(executablePath))('in a browser', () => {
  let browser: Browser
  let page: Page
  const complaints: string[] = []
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
  })
  afterAll(() => browser?.close())
  afterEach(async () => {
    expect(complaints.splice(0)).toEqual([])
    await page.context().close()
  })

  const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 900 } }
  async function open(path: string, how = desktop): Promise<void> {
    const context = await browser.newContext(how)
    page = await context.newPage()
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(url + path)
    await page.locator('.topic').first().waitFor()
  }
  const all = (locator: string) => page.locator(locator).allTextContents()

  test('every service, topic, topology, read model and report is on it', async () => {
    await open('/system')
    expect(await all('#services h3')).toEqual(system.services)
    const topics = [...system.domainTopics.values(), ...system.rowsTopics].map(({ name }) => name)
    expect(await all('.topic summary b')).toEqual(topics)
    expect(await all('#topologies h3')).toEqual([...system.topologies.keys()])
    expect(await all('#read-models h3')).toEqual(system.readModels.map(({ name }) => name))
    expect(await all('#reports h3')).toEqual(system.reports.map(({ title }) => title))
    const routes = page.locator('#service-orders a', { hasText: 'Routes' })
    expect(await routes.getAttribute('href')).toBe('http://127.0.0.1:14003/docs')
    expect(await page.locator('#service-reviews a', { hasText: 'Routes' }).count()).toBe(0)
  })

  test('a topic that is linked to stands open, with its events, fields, and an example that is JSON', async () => {
    await open('/system')
    await page.locator('#service-payments a', { hasText: 'orders.events' }).click()
    const topic = page.locator('[id="topic-orders.events"]')
    await topic.locator('.record', { hasText: 'OrderPlaced' }).first().waitFor()
    expect(await topic.locator('.facts').textContent()).toContain('payments, shipping, topology orders')
    const placed = topic.locator('.record', { hasText: 'tributary.orders.OrderPlaced' })
    expect(JSON.parse((await placed.locator('pre').textContent())!)).toMatchObject({ orderId: 'order-1' })
    expect(await placed.locator('td', { hasText: /^long \(timestamp-millis\)$/ }).count()).toBeGreaterThan(0)
  })

  test('a topology is drawn with an arrow for each way that rows go, and no box upon another', async () => {
    await open('/system')
    const { graph } = catalogueOf(system).topologies[0]!
    const drawing = page.locator('#topology-orders svg')
    expect(await drawing.locator('.box').count()).toBe(graph.nodes.length)
    expect(await drawing.locator('.arrow').count()).toBe(graph.edges.length)
    const boxes = await drawing.locator('.box rect').all()
    const places = await Promise.all(boxes.map(async (box) => (await box.boundingBox())!))
    for (const [i, a] of places.entries()) {
      for (const b of places.slice(i + 1)) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y
        expect(apart).toBe(true)
      }
    }
    for (const text of await drawing.locator('.box').all()) {
      const [rect, name] = await Promise.all(
        [text.locator('rect'), text.locator('text').first()].map((one) => one.boundingBox()),
      )
      expect(name!.width).toBeLessThanOrEqual(rect!.width)
    }
  })

  test.each<[string, BrowserContextOptions]>([
    ['on a phone', { viewport: { width: 380, height: 800 }, hasTouch: true, isMobile: true }],
    ['in the dark', { ...desktop, colorScheme: 'dark' }],
  ])('%s nothing is wider than the screen but what scrolls by itself', async (_, how) => {
    await open('/system#topic-orders.rows.1', how)
    expect(await page.locator('details[open]').getAttribute('id')).toBe('topic-orders.rows.1')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(how.viewport!.width)
  })
})
