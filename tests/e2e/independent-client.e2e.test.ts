import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connectStack } from 'tributary/testing/stack'
import { beforeAll, expect, test } from 'vitest'
import { Orders, Payments } from '#schemas/topics.ts'
import { domainTopics } from '../harness/marketplace.ts'
import { api } from './api.ts'

const run = promisify(execFile)
const stack = connectStack()
const script = join(import.meta.dirname, 'independent_client.py')

/** A Python with fastavro: `make test` puts one into .tributary/python. */
const python = [process.env.PYTHON, join(import.meta.dirname, '../../.tributary/python/bin/python'), 'python3'].find(
  (path): path is string => path !== undefined && (path === 'python3' || existsSync(path)),
)!
const missing = await run('kcat', ['-V'])
  .then(() => run(python, ['-c', 'import fastavro']))
  .then(
    () => undefined,
    (error: Error) => error.message.split('\n')[0],
  )
if (missing) console.warn(`skipped: reading the topics with kcat and fastavro (${missing})`)

const marketplace = ['--orders', '60', '--seed', '77']

beforeAll(async () => {
  const { code, stderr } = await stack.tributary(['simulate', ...marketplace], { timeoutMs: 200_000 })
  expect(code, stderr).toBe(0)
}, 220_000)

async function read(topic: string) {
  const { stdout } = await run(python, [script, stack.urls.kafka, stack.urls.registry, topic], { maxBuffer: 1 << 28 })
  return stdout
    .split('\n')
    .filter(Boolean)
    .map(
      (line) =>
        JSON.parse(line) as { key: string; headers: Record<string, string>; value: Record<string, unknown> | null },
    )
}

test.skipIf(missing)('kcat and fastavro read keys, CloudEvents headers and values of an order', async () => {
  const { post } = api(stack)
  await post('orders', '/orders', {
    orderId: 'independent-1',
    customerId: 'independent-c',
    purchasedAt: '2018-08-07T10:00:00.000Z',
    estimatedAt: null,
    items: [
      {
        itemNo: 1,
        productId: 'p',
        sellerId: 's',
        priceCents: 4_990,
        freightCents: 870,
        shipBy: '2018-08-09T00:00:00.000Z',
      },
    ],
  })
  await api(stack).settled()
  const [placed] = (await read(Orders.name)).filter((record) => record.key === 'independent-1')
  expect(placed?.headers).toMatchObject({
    ce_type: 'tributary.orders.OrderPlaced',
    ce_source: '/tributary/orders',
    ce_specversion: '1.0',
  })
  expect(placed?.value).toMatchObject({
    orderId: 'independent-1',
    customerId: 'independent-c',
    purchasedAt: '2018-08-07 10:00:00+00:00',
    estimatedAt: null,
    items: [{ itemNo: 1, priceCents: 4_990, freightCents: 870, shipBy: '2018-08-09 00:00:00+00:00' }],
  })
})

test.skipIf(missing)(
  'every value of every domain topic is of the type its header names',
  async () => {
    for (const topic of domainTopics) {
      const records = await read(topic.name)
      expect(records.length, topic.name).toBeGreaterThan(0)
      for (const { headers, value } of records) {
        const schema = topic.events[headers.ce_type!.split('.').at(-1) as never] as
          | { schema: { fields: { name: string }[] } }
          | undefined
        if (value)
          expect(Object.keys(value).toSorted()).toEqual(schema!.schema.fields.map((field) => field.name).toSorted())
      }
    }
    const total = (await read(Payments.name)).reduce((sum, record) => sum + Number(record.value?.cents ?? 0), 0)
    expect(total).toBeGreaterThan(0)
  },
  60_000,
)
