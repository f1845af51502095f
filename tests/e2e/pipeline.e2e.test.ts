import { waitUntil } from 'tributary/testing'
import { connectStack } from 'tributary/testing/stack'
import { beforeAll, describe, expect, test } from 'vitest'
import { OrderPlaced } from '#schemas/contracts.generated.ts'
import { OrderRows, Orders } from '#schemas/topics.ts'
import { inboxApp, processorApp, sinkApp } from '../../packages/tributary/contracts/apps.ts'
import { deadLettersOf } from '../../packages/tributary/contracts/topic.ts'
import kafkajs from '../../packages/tributary/runtime/kafkajs.ts'
import { domainTopics } from '../harness/marketplace.ts'
import { api } from './api.ts'
import { readTopic } from './read-topic.ts'

const stack = connectStack()
const { post, put, del, search, settled } = api(stack)

async function verified(): Promise<void> {
  const { code, stdout, stderr } = await stack.tributary(['verify'], { timeoutMs: 180_000 })
  expect(code, `${stdout}\n${stderr}`).toBe(0)
}

beforeAll(async () => {
  const { code, stdout, stderr } = await stack.tributary(['simulate', '--orders', '400', '--seed', '1'], {
    timeoutMs: 300_000,
  })
  expect(code, `${stdout}\n${stderr}`).toBe(0)
}, 320_000)

test('a simulated marketplace is searchable, and every document is what SQL says', async () => {
  await settled()
  const { hits } = await search('orders', { track_total_hits: true, size: 0 })
  expect(hits.total.value).toBeGreaterThanOrEqual(400)
  await verified()
}, 240_000)

test('playing the same marketplace again changes nothing', async () => {
  const ends = async () => Promise.all(domainTopics.map(async (topic) => (await readTopic(stack, topic.name)).length))
  const before = await ends()
  const { code } = await stack.tributary(['simulate', '--orders', '400', '--seed', '1'], { timeoutMs: 300_000 })
  expect(code).toBe(0)
  expect(await ends()).toEqual(before)
}, 320_000)

describe('a row that changes later moves every figure that depended on it', () => {
  const order = (id: string) => ({
    orderId: id,
    customerId: `${id}-c`,
    purchasedAt: '2018-08-07T10:00:00Z',
    estimatedAt: '2018-08-20T00:00:00Z',
    items: [1, 2].map((itemNo) => ({
      itemNo,
      productId: `${id}-p`,
      sellerId: `${id}-s`,
      priceCents: 1_000 * itemNo,
      freightCents: 100,
      shipBy: null,
    })),
  })

  beforeAll(async () => {
    for (const id of ['later-1', 'later-2', 'later-3', 'later-4']) {
      const address = { zip: '01310', city: 'sao paulo', state: id }
      await post('customers', '/customers', { customerId: `${id}-c`, uniqueId: `${id}-u`, ...address })
      await post('catalog', '/sellers', { sellerId: `${id}-s`, ...address })
      await post('catalog', '/products', { productId: `${id}-p`, category: `${id}-livros` })
      await post('orders', '/orders', order(id))
    }
    await settled()
  })

  test('an order canceled leaves the sales of its day and its seller', async () => {
    expect(await document('sales', '2018-08-07|later-1|later-1-livros')).toMatchObject({
      orders: 1,
      items: 2,
      revenueCents: 3_000,
      freightCents: 200,
    })
    await post('orders', '/orders/later-1/cancel', {})
    await settled()
    expect(await document('sales', '2018-08-07|later-1|later-1-livros')).toBeUndefined()
    expect(await document('sellers', 'later-1-s')).toMatchObject({ orders: 0, items: 0, revenueCents: 0 })
    expect(await document('customers', 'later-1-u')).toMatchObject({ orders: 1 })
    await verified()
  }, 120_000)

  test('a customer who moves takes their sales along', async () => {
    await post('customers', '/customers/later-2-c/move', { zip: '2', city: 'rio', state: 'later-2-new' })
    await settled()
    expect(await document('orders', 'later-2')).toMatchObject({
      customer: { city: 'rio', state: 'later-2-new', zip: '2' },
    })
    expect(await document('sales', '2018-08-07|later-2|later-2-livros')).toBeUndefined()
    expect(await document('sales', '2018-08-07|later-2-new|later-2-livros')).toMatchObject({ orders: 1 })
    await verified()
  }, 120_000)

  test('a product re-categorised and a category translated rename their sales', async () => {
    await post('catalog', '/products/later-3-p/categorise', { category: 'later-3-musica' })
    await put('catalog', '/categories/later-3-musica', { english: 'later-3-music' })
    await settled()
    expect(await document('sales', '2018-08-07|later-3|later-3-livros')).toBeUndefined()
    expect(await document('sales', '2018-08-07|later-3|later-3-music')).toMatchObject({ items: 2 })
    expect((await document('orders', 'later-3'))?.items).toMatchObject([
      { category: 'later-3-music' },
      { category: 'later-3-music' },
    ])
    await verified()
  }, 120_000)

  test('a payment reversed and a customer erased are gone', async () => {
    await post('payments', '/payments', {
      orderId: 'later-4',
      sequence: 1,
      type: 'voucher',
      installments: 1,
      cents: 3_200,
    })
    await settled()
    expect(await document('orders', 'later-4')).toMatchObject({ paidCents: 3_200, balanceCents: 0 })
    await post('payments', '/payments/later-4/1/reverse', {})
    await del('customers', '/customers/later-4-c')
    await settled()
    const gone = await document('orders', 'later-4')
    expect(gone).toMatchObject({
      paidCents: 0,
      balanceCents: -3_200,
      payments: [],
      customer: { customerId: 'later-4-c' },
    })
    expect(await document('customers', 'later-4-u')).toBeUndefined()
    await verified()
  }, 120_000)

  async function document(index: string, id: string): Promise<Record<string, unknown> | undefined> {
    const { hits } = await search(index, { query: { ids: { values: [id] } } })
    return hits.hits[0]?._source
  }
})

describe('domain topics', () => {
  test('carry CloudEvents headers, and nothing of the connector', async () => {
    const records = (await readTopic(stack, Orders.name)).filter(({ key }) => !key.startsWith('forged'))
    expect(records.length).toBeGreaterThan(400)
    for (const record of records) {
      const names = Object.keys(record.headers)
        .filter((name) => name !== 'traceparent')
        .toSorted()
      const attributes = [
        'ce_datacontenttype',
        'ce_id',
        'ce_republished',
        'ce_source',
        'ce_specversion',
        'ce_time',
        'ce_type',
      ]
      // The binding carries the content type as `content-type`; the attribute of that name is for simpler readers.
      expect(names).toEqual([...attributes, 'content-type'])
      expect(record.headers.ce_specversion).toBe('1.0')
      expect(record.headers.ce_republished).toBe('false')
      expect(record.headers.ce_type).toMatch(/^tributary\.orders\.Order/)
      expect(Number.isNaN(Date.parse(record.headers.ce_time!))).toBe(false)
      expect(record.headers.ce_time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/)
    }
    expect(new Set(records.map((record) => record.headers.ce_id)).size).toBe(records.length)
  })

  test('are partitioned by Java murmur2 over the key, like every producer here does it', async () => {
    const partition = kafkajs.Partitioners.DefaultPartitioner()
    for (const topic of domainTopics) {
      const partitionMetadata = Array.from({ length: topic.partitions }, (_, partitionId) => ({
        partitionId,
        leader: 1,
      }))
      for (const record of (await readTopic(stack, topic.name)).filter(({ key }) => !key.startsWith('forged'))) {
        const placed = partition({
          topic: topic.name,
          partitionMetadata: partitionMetadata as never,
          message: { key: record.key, value: null },
        })
        expect(record.partition, `${topic.name} ${record.key}`).toBe(placed)
      }
    }
  })
})

describe('forged records', () => {
  const openOf = async (app: string) => {
    const { stdout, stderr } = await stack.tributary(['dead-letters', 'list', app, '--json'])
    if (stdout === '') throw new Error(stderr)
    return JSON.parse(stdout) as { id: string }[]
  }
  const garbage = Buffer.from('not an event')
  const unknownId = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3])
  /** A record of a schema that has one of our names and nothing else of it, registered under a subject of its own. */
  const foreignSchema = async (fullName: string) => {
    const name = fullName.slice(fullName.lastIndexOf('.') + 1)
    const namespace = fullName.slice(0, fullName.lastIndexOf('.'))
    const schema = JSON.stringify({ type: 'record', name, namespace, fields: [{ name: 'number', type: 'int' }] })
    const answer = await fetch(`${stack.urls.registry}/subjects/forger/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema }),
    })
    const { id } = (await answer.json()) as { id: number }
    return Buffer.concat([Buffer.from([0, 0, 0, id >> 8, id & 0xff]), Buffer.from([2])])
  }

  test('land in the dead letters of every application that met them, and the rest flows', async () => {
    const [real] = await readTopic(stack, 'customers.events')
    const wrongType = real!.value!
    const foreign = await foreignSchema(OrderPlaced.name)
    const producer = new kafkajs.Kafka({
      clientId: 'forger',
      brokers: [stack.urls.kafka],
      logLevel: kafkajs.logLevel.ERROR,
    }).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    const orderReaders = [processorApp('orders'), inboxApp('payments'), inboxApp('shipping')]
    // Each under a key of its own: what comes behind a dead letter of its key waits for it, and is none itself.
    const forged = [garbage, unknownId, wrongType, foreign].map((value, i) => ({ key: `forged-${i}`, value }))
    for (const { name } of [Orders, OrderRows]) await producer.send({ topic: name, messages: forged })
    await producer.disconnect()

    for (const app of [...orderReaders, sinkApp]) {
      await waitUntil(`four dead letters of ${app}`, async () => (await openOf(app)).length >= 4, { timeoutMs: 60_000 })
    }
    const letters = (await readTopic(stack, deadLettersOf(processorApp('orders')).name)).slice(-4)
    expect(letters.map(({ key, value }) => ({ key, value }))).toEqual(expect.arrayContaining(forged))
    for (const letter of letters) {
      expect(letter.headers).toMatchObject({
        dl_topic: Orders.name,
        dl_app: processorApp('orders'),
        dl_reason: expect.any(String),
        dl_message: expect.any(String),
      })
      expect(Number(letter.headers.dl_offset)).toBeGreaterThanOrEqual(0)
    }

    // Somebody looks at them, and gives them up: nothing is open then, and nothing is excepted from what is complete.
    const wait = await stack.tributary(['wait'])
    expect(wait.code, wait.stdout).toBe(3)
    expect(wait.stdout).toContain('forged-0')
    const drop = await stack.tributary(['dead-letters', 'drop', '--all', '--reason', 'forged'], { timeoutMs: 180_000 })
    expect(drop.code, `${drop.stdout}\n${drop.stderr}`).toBe(0)
    for (const app of [...orderReaders, sinkApp]) expect(await openOf(app)).toEqual([])

    await post('customers', '/customers', {
      customerId: 'after-forged-c',
      uniqueId: 'after-forged',
      zip: '1',
      city: 'x',
      state: 'SP',
    })
    await post('orders', '/orders', {
      orderId: 'after-forged',
      customerId: 'after-forged-c',
      purchasedAt: '2018-08-07T10:00:00Z',
      estimatedAt: null,
      items: [],
    })
    await settled()
    const { hits } = await search('orders', { query: { ids: { values: ['after-forged'] } } })
    expect(hits.hits[0]?._source).toMatchObject({ customer: { uniqueId: 'after-forged' } })
    await verified()
  }, 180_000)
})

test("a connector that runs but is said to be unassigned is restarted: Connect's last words can come in the wrong order", async () => {
  const stateOf = async () => {
    const answer = await fetch(`${stack.urls.connect}/connectors/reviews-outbox/status`)
    return ((await answer.json()) as { connector: { state: string; worker_id: string } }).connector
  }
  const { worker_id } = await stateOf()
  const producer = new kafkajs.Kafka({ clientId: 'forger', brokers: [stack.urls.kafka] }).producer()
  await producer.connect()
  const said = { state: 'UNASSIGNED', trace: null, worker_id, generation: 1_000 }
  const messages = [{ key: 'status-connector-reviews-outbox', value: JSON.stringify(said) }]
  await producer.send({ topic: 'connect.status', messages })
  await producer.disconnect()
  await waitUntil('Connect believes it', async () => (await stateOf()).state === 'UNASSIGNED')
  await waitUntil('it runs again', async () => (await stateOf()).state === 'RUNNING', { timeoutMs: 90_000 })
}, 120_000)
