import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { applyTopics } from '#contracts/apply-topics'
import { sinkApp } from '#contracts/apps'
import { memoryCodec } from '#contracts/codec'
import { deadLettersOf } from '#contracts/topic'
import type { ReadModel } from '#read-models/read-model'
import kafkajs from '#runtime/kafkajs'
import { openLog } from '#runtime/log'
import { Registry } from '#runtime/metrics'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { readSome } from '#verify/read-index'
import { OrderRows, SalesRows, SellerRows } from '../../../schemas/topics.ts'
import { readModels, sellers } from '../../../sinks/read-models/index.ts'
import { openRowsWriter, type RowsWriter, readTopic } from '../../../sinks/testing/rows.ts'
import { sampleRows } from '../../../sinks/testing/sample.ts'
import { contracts, topics } from '../../../tests/harness/marketplace.ts'
import { openElasticsearch } from './client.ts'
import { type Generation, generationsOf } from './generations.ts'
import { sinkMetrics } from './metrics.ts'
import { runSink, type Sink } from './sink.ts'

/** One index, alias or topic is ill, really; all other read models go on at their pace. */

const { Kafka, logLevel } = kafkajs

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const { env } = connectStack()
const brokers = env.KAFKA_BROKERS!.split(',')
const client = openElasticsearch(env.ELASTICSEARCH_URL!)
const sample = sampleRows(60)
/** What others must keep, in ms. */
const PACE_MS = 2_000
const TOLD_MS = 10_000
let writer: RowsWriter
let sink: Sink
let count = 0

function start(models: readonly ReadModel[] = readModels): Sink {
  return runSink({
    brokers,
    client,
    codec: memoryCodec(contracts),
    metrics: sinkMetrics(new Registry()),
    log: openLog('sink', 'silent'),
    models,
  })
}
const atWork = () => waitUntil('the sink is at work', () => sink.waiting() === undefined, { timeoutMs: 90_000 })
/** Of the read model that is made ill: an index that is built anew sets aside what others have left in its topic. */
const letters = async () =>
  (await readTopic(brokers, deadLettersOf(sinkApp).name)).filter(
    ({ headers }) => String(headers?.dl_topic) === SalesRows.name,
  ).length
const newest = async (readModel: string) => (await generationsOf(client, readModel))[0]!
const sale = () => ({ ...sample.sales[0]!, category: `ill-${++count}` })
const isThere = async (readModel: string, id: string) => (await readSome(client, readModel, [id])).length === 1
const exists = (index: string) => client.indices.exists({ index })

async function write(row: ReturnType<typeof sale>): Promise<string> {
  await writer.rows(SalesRows, [row])
  return SalesRows.key(row)
}
async function ordersKeepTheirPace(): Promise<void> {
  const row = { ...sample.orders[1]!, orderId: `pace-${++count}` }
  await writer.rows(OrderRows, [row])
  await waitUntil('the order is searchable', () => isThere('orders', row.orderId), { timeoutMs: PACE_MS, everyMs: 20 })
}

beforeAll(async () => {
  await applyTopics(brokers, topics)
  writer = await openRowsWriter(brokers)
  sink = start()
  await atWork()
})
afterAll(async () => {
  await sink.stop()
  await writer.close()
  await client.close()
})

const settings = (index: string, body: object) => client.indices.putSettings({ index, settings: body as never })

interface Illness {
  make(index: string): Promise<unknown>
  mend(index: string): Promise<unknown>
  readonly told: RegExp
}
const illnesses: Record<string, Illness> = {
  'is blocked': {
    make: (index) => settings(index, { 'index.blocks.write': true }),
    mend: (index) => settings(index, { 'index.blocks.write': null }),
    told: /index\.blocks\.write.*PUT \/sales-\d+\/_settings/,
  },
  'is blocked because the disk is full': {
    make: (index) => settings(index, { 'index.blocks.read_only_allow_delete': true }),
    mend: (index) => settings(index, { 'index.blocks.read_only_allow_delete': null }),
    told: /index\.blocks\.read_only_allow_delete.*disk/,
  },
  'is read-only': {
    make: (index) => settings(index, { 'index.blocks.read_only': true }),
    mend: (index) => settings(index, { 'index.blocks.read_only': null }),
    told: /index\.blocks\.read_only/,
  },
  'is closed': {
    make: (index) => client.indices.close({ index }),
    mend: (index) => client.indices.open({ index }),
    told: /closed.*POST \/sales-\d+\/_open/,
  },
  'has an ingest pipeline that does not exist': {
    make: (index) => settings(index, { 'index.default_pipeline': 'nowhere' }),
    mend: (index) => settings(index, { 'index.default_pipeline': null }),
    told: /ingest pipeline "nowhere" doesn't exist.*index\.default_pipeline/,
  },
  'has a final pipeline that does not exist': {
    make: (index) => settings(index, { 'index.final_pipeline': 'nowhere' }),
    mend: (index) => settings(index, { 'index.final_pipeline': null }),
    told: /ingest pipeline "nowhere" doesn't exist.*index\.final_pipeline/,
  },
}

test.each(Object.keys(illnesses))(
  'an index that %s waits, says why, and is written when it is mended',
  async (name) => {
    const { make, mend, told } = illnesses[name]!
    const before = await letters()
    const { index } = await newest('sales')
    await make(index)
    // The tests behind this one need the index well.
    onTestFinished(async () => void (await mend(index).catch(() => {})))
    const id = await write(sale())
    await waitUntil('the sink says which and why', () => told.test(sink.waiting() ?? ''), { timeoutMs: TOLD_MS })
    expect(sink.waiting()).toMatch(/^read model sales stands still/)
    for (let i = 0; i < 3; i++) await ordersKeepTheirPace()
    await mend(index)
    await waitUntil('the document is searchable', () => isThere('sales', id))
    await waitUntil('the sink is well', () => sink.waiting() === undefined)
    expect(await letters()).toBe(before)
    expect((await newest('sales')).index).toBe(index)
  },
)

test('what would refuse documents is told also when there are none', async () => {
  const { index } = await newest('sales')
  await settings(index, { 'index.blocks.write': true })
  onTestFinished(async () => void (await settings(index, { 'index.blocks.write': null })))
  // What an earlier fault left may still be told.
  const concern = await waitUntil('it is told', () =>
    sink.concerns().find(({ part, what }) => part === 'read model sales' && what.includes('index.blocks.write')),
  )
  expect(concern.remedy).toContain('PUT')
  await settings(index, { 'index.blocks.write': null })
  await waitUntil('it is well', () => sink.concerns().every(({ part }) => part !== 'read model sales'))
})

/** A copy of an index under another name, `_meta` and all. */
async function copy(from: string, to: string): Promise<void> {
  await settings(from, { 'index.blocks.write': true })
  await client.indices.clone({ index: from, target: to, settings: { 'index.blocks.write': null } as never })
  await settings(from, { 'index.blocks.write': null })
  onTestFinished(async () => void (await client.indices.delete({ index: to, ignore_unavailable: true })))
}
const aliasesOf = async (readModel: string) => Object.keys(await client.indices.getAlias({ name: readModel }))
/** That readers see one index of the sink's, which holds all of these. */
async function isServed(before: Generation, ids: readonly string[]): Promise<Generation> {
  return waitUntil(
    'a new index is served',
    async () => {
      const now = await newest('sales')
      if (now.id === before.id || (await aliasesOf('sales')).join() !== now.index) return undefined
      return (await readSome(client, 'sales', ids)).length === ids.length ? now : undefined
    },
    { timeoutMs: 30_000 },
  )
}

test('a copy that carries our description is left alone, and the lost index is built again', async () => {
  const id = await write(sale())
  await waitUntil('the document is searchable', () => isThere('sales', id))
  const before = await newest('sales')
  const { generation } = before
  const others = [
    'sales-copy',
    `sales-${generation + 7}`,
    `sales-0${generation}`,
    `sales-${generation}.0`,
    'sales-20240101',
  ]
  for (const other of others) await copy(before.index, other)
  await client.indices.delete({ index: before.index })
  await ordersKeepTheirPace()
  const now = await isServed(before, [id])
  expect(others).not.toContain(now.index)
  for (const other of others) expect(await exists(other)).toBe(true)
  await waitUntil('the sink is well', () => sink.waiting() === undefined)
})

test('an index that is put back from an earlier time gets what it misses', async () => {
  const early = await write(sale())
  await waitUntil('the document is searchable', () => isThere('sales', early))
  const before = await newest('sales')
  await copy(before.index, 'sales-early')
  const late = await write(sale())
  await waitUntil('the later one is searchable', () => isThere('sales', late))
  await client.indices.delete({ index: before.index })
  await copy('sales-early', before.index)
  await client.indices.updateAliases({
    actions: [
      { add: { index: before.index, alias: 'sales' } },
      { add: { index: before.index, alias: before.writeAlias } },
    ],
  })
  await ordersKeepTheirPace()
  await isServed(before, [early, late])
})

test('an index that is put back while the sink is away gets what it misses', async () => {
  const early = await write(sale())
  await waitUntil('the document is searchable', () => isThere('sales', early))
  const before = await newest('sales')
  await copy(before.index, 'sales-early')
  const late = await write(sale())
  await waitUntil('the later one is searchable', () => isThere('sales', late))
  await sink.stop()
  await client.indices.delete({ index: before.index })
  await copy('sales-early', before.index)
  await client.indices.updateAliases({
    actions: [
      { add: { index: before.index, alias: 'sales' } },
      { add: { index: before.index, alias: before.writeAlias } },
    ],
  })
  sink = start()
  await isServed(before, [early, late])
  await atWork()
})

test('aliases that lead elsewhere too lead to our index alone again, and nothing written meanwhile is lost', async () => {
  const { index, writeAlias } = await newest('sales')
  await copy(index, 'elsewhere')
  await client.indices.updateAliases({
    actions: [
      { add: { index: 'elsewhere', alias: 'sales' } },
      { remove: { index, alias: writeAlias } },
      { add: { index: 'elsewhere', alias: writeAlias } },
    ],
  })
  const id = await write(sale())
  await ordersKeepTheirPace()
  await waitUntil('readers see our index alone', async () => (await aliasesOf('sales')).join() === index)
  await waitUntil('it holds what was written', () => isThere('sales', id))
  expect(await exists('elsewhere')).toBe(true)
  expect((await newest('sales')).index).toBe(index)
  await waitUntil('the sink is well', () => sink.waiting() === undefined)
})

test('an index that stands where the alias should be is left alone, told of, and its place taken when it is gone', async () => {
  const id = await write(sale())
  await waitUntil('the document is searchable', () => isThere('sales', id))
  const before = await newest('sales')
  await client.indices.delete({ index: before.index })
  await client.indices.create({ index: 'sales' })
  await waitUntil('it is told', () => /^read model sales.*an index is named "sales"/.test(sink.waiting() ?? ''), {
    timeoutMs: TOLD_MS,
  })
  await ordersKeepTheirPace()
  expect(await exists('sales')).toBe(true)
  await client.indices.delete({ index: 'sales' })
  await isServed(before, [id])
  await waitUntil('the sink is well', () => sink.waiting() === undefined)
})

test('a topic that is gone stops its read model alone, until it is there again', async () => {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [SellerRows.name] })
  await waitUntil(
    'the sink says which',
    () => /^read model sellers stands still.*topics apply/.test(sink.waiting() ?? ''),
    {
      timeoutMs: TOLD_MS,
    },
  )
  for (let i = 0; i < 3; i++) await ordersKeepTheirPace()
  await waitUntil('it is there again', () => applyTopics(brokers, [SellerRows]))
  await admin.disconnect()
  await writer.close()
  writer = await openRowsWriter(brokers)
  const row = sample.sellers[0]!
  await writer.rows(SellerRows, [row])
  await waitUntil('its rows are searchable', () => isThere('sellers', row.sellerId), { timeoutMs: 30_000 })
  await waitUntil('the sink is well', () => sink.waiting() === undefined, { timeoutMs: 30_000 })
})

test('an index that took nothing for longer than the topic keeps tombstones is built anew', async () => {
  await sink.stop()
  const forgetful = { ...SellerRows, config: { ...SellerRows.config, 'delete.retention.ms': '6000' } }
  sink = start([{ ...sellers, topic: forgetful } as unknown as ReadModel])
  await atWork()
  const before = await newest('sellers')
  await settings(before.index, { 'index.blocks.write': true })
  const row = { ...sample.sellers[1]!, city: `city-${++count}` }
  await writer.rows(SellerRows, [row])
  await waitUntil('a newer index is served', async () => {
    const now = await newest('sellers')
    return now.generation > before.generation && (await aliasesOf('sellers')).join() === now.index
  })
  await waitUntil('the row is searchable', () => isThere('sellers', row.sellerId))
  await sink.stop()
  sink = start()
  await atWork()
})
