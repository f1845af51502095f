import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { applyTopics } from '#contracts/apply-topics'
import { sinkApp } from '#contracts/apps'
import { memoryCodec } from '#contracts/codec'
import { deadLettersOf } from '#contracts/topic'
import { readOpenLetters } from '#runtime/dead-letters/follow'
import kafkajs from '#runtime/kafkajs'
import { openLog } from '#runtime/log'
import { Registry } from '#runtime/metrics'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { readSome } from '#verify/read-index'
import { OrderRows, SalesRows, SellerRows } from '../../../schemas/topics.ts'
import { readModels } from '../../../sinks/read-models/index.ts'
import { openRowsWriter, type RowsWriter, readTopic } from '../../../sinks/testing/rows.ts'
import { sampleRows } from '../../../sinks/testing/sample.ts'
import { contracts, deadLetterTopics, topics } from '../../../tests/harness/marketplace.ts'
import { openElasticsearch } from './client.ts'
import { sinkCloser } from './closer.ts'
import { Places } from './gate.ts'
import { generationsOf } from './generations.ts'
import { sinkMetrics } from './metrics.ts'
import { runSink, type Sink } from './sink.ts'
import { versionOf } from './version.ts'
import { type Answer, Writer } from './writer.ts'

const { ConfigResourceTypes, Kafka, logLevel } = kafkajs

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const { env } = connectStack()
const brokers = env.KAFKA_BROKERS!.split(',')
const client = openElasticsearch(env.ELASTICSEARCH_URL!)
const sample = sampleRows(60)
let writer: RowsWriter
let sink: Sink
let registry: Registry

function start(): Sink {
  registry = new Registry()
  return runSink({
    models: readModels,
    brokers,
    client,
    codec: memoryCodec(contracts),
    metrics: sinkMetrics(registry),
    log: openLog('sink', 'silent'),
  })
}
/** A sink that begins makes indices and waits for a predecessor's membership to end. */
const atWork = () => waitUntil('the sink is at work', () => sink.waiting() === undefined, { timeoutMs: 90_000 })
const order = (i: number, changes: object = {}) => ({ ...sample.orders[i]!, ...changes })
/** A closing says nothing else than that a letter was dealt with. */
const isLetter = ({ headers }: { headers: Record<string, string> }) => headers.dl_reason !== undefined
/** What readers of `orders` see of one document. */
async function seen(orderId: string) {
  return (await readSome(client, 'orders', [orderId]))[0]?.document
}
async function figures(name: string): Promise<number> {
  const metric = (await registry.getMetricsAsJSON()).find((m) => m.name === name)
  return (metric?.values ?? []).reduce((sum, { value }) => sum + (value as number), 0)
}

beforeAll(async () => {
  await applyTopics(brokers, topics)
  writer = await openRowsWriter(brokers)
})
beforeEach(async () => {
  sink = start()
  await atWork()
})
afterEach(() => sink.stop())
afterAll(async () => {
  await writer.close()
  await client.close()
})

test('a row becomes a document, a later one replaces it, a tombstone hides it', async () => {
  const { orderId } = order(0)
  await writer.rows(OrderRows, [order(0)])
  await waitUntil('the order is searchable', () => seen(orderId))
  await writer.rows(OrderRows, [order(0, { status: 'canceled' })])
  await waitUntil('it is canceled', async () => (await seen(orderId))?.status === 'canceled')
  await writer.raw(OrderRows.name, orderId, null)
  await waitUntil('it is gone', async () => (await seen(orderId)) === undefined)
  await writer.rows(OrderRows, [order(0)])
  await waitUntil('it is there again', () => seen(orderId))
})

test('a record read again after a later one changes nothing', async () => {
  const { orderId } = order(1)
  await writer.rows(OrderRows, [order(1, { status: 'created' }), order(1, { status: 'approved' })])
  await waitUntil('the later row is searchable', async () => (await seen(orderId))?.status === 'approved')
  await sink.stop()
  await rewindGroup(OrderRows.name)
  sink = start()
  await atWork()
  await waitUntil('all records were answered again', async () => (await figures('tributary_sink_answered_total')) >= 2)
  await waitUntil('nothing is pending', async () => (await figures('tributary_sink_pending')) === 0)
  expect((await seen(orderId))?.status).toBe('approved')
})

test('an older record that comes after a newer one is superseded, also when it deletes', async () => {
  const { orderId } = order(50)
  await writer.rows(OrderRows, [order(50, { status: 'approved' })])
  await waitUntil('the order is searchable', () => seen(orderId))
  const [generation] = await generationsOf(client, 'orders')
  const answers: string[] = []
  const late = new Writer({
    client,
    index: generation!.index,
    alias: generation!.writeAlias,
    pace: { leastMs: 0, share: 1 },
    places: new Places(),
    metrics: sinkMetrics(new Registry()),
    log: openLog('late', 'silent'),
    signal: new AbortController().signal,
    troubled: () => {},
    onFailed: (error) => answers.push(String(error)),
  })
  const version = versionOf(generation!.generation, 0)
  const answered = ({ verdict }: Answer) => void answers.push(verdict)
  late.add([
    { id: orderId, version, body: '{"deleted":true}', answered },
    { id: orderId, version, body: JSON.stringify({ orderId, status: 'created' }), answered },
  ])
  await waitUntil('both are answered', () => answers.length === 2)
  expect(answers).toEqual(['superseded', 'superseded'])
  expect((await seen(orderId))?.status).toBe('approved')
})

test('records that can not be documents are set aside with their own bytes, and the rest flows', async () => {
  const good = order(2)
  const before = (await readTopic(brokers, deadLettersOf(sinkApp).name)).length
  await writer.raw(OrderRows.name, good.orderId, Buffer.from('garbage'))
  await writer.raw(OrderRows.name, good.orderId, Buffer.from([0, 0, 9, 9, 9, 1, 2]))
  await writer.rows({ ...SalesRows, name: OrderRows.name }, [sample.sales[0]!])
  await writer.rows(OrderRows, [good])
  await waitUntil('the good record is searchable', () => seen(good.orderId))
  const letters = await waitUntil('three are set aside', async () => {
    const all = (await readTopic(brokers, deadLettersOf(sinkApp).name)).slice(before).filter(isLetter)
    return all.length >= 3 ? all : undefined
  })
  expect(letters.map(({ headers }) => headers.dl_reason).sort()).toEqual([
    'unexpected-type',
    'unknown-schema',
    'unreadable',
  ])
  const garbage = letters.find(({ headers }) => headers.dl_reason === 'unreadable')!
  expect(garbage.value?.toString()).toBe('garbage')
  expect(garbage.key).toBe(good.orderId)
  expect(garbage.headers).toMatchObject({ kept: 'yes', dl_topic: OrderRows.name, dl_app: 'sink' })
  expect(Date.parse(garbage.headers.dl_at!)).toBeGreaterThan(0)
})

test('a document that Elasticsearch refuses is set aside; the others of its bulk are not', async () => {
  const before = (await readTopic(brokers, deadLettersOf(sinkApp).name)).length
  // `day` is a date in the index and any text in the row.
  const bad = { ...sample.sales[1]!, day: 'someday' }
  const good = sample.sales[2]!
  await writer.rows(SalesRows, [bad, good])
  await waitUntil('the good one is searchable', async () => {
    return (await readSome(client, 'sales', [SalesRows.key(good)])).length === 1
  })
  const letters = await waitUntil('the bad one is set aside', async () => {
    const all = (await readTopic(brokers, deadLettersOf(sinkApp).name)).slice(before).filter(isLetter)
    return all.length > 0 ? all : undefined
  })
  expect(letters.map(({ headers }) => headers.dl_reason)).toEqual(['refused'])
  expect(letters[0]!.headers.dl_message).toContain('400')
})

test('every record sent is applied, superseded, set aside or pending', async () => {
  await writer.rows(OrderRows, sample.orders.slice(3, 40))
  await writer.rows(OrderRows, sample.orders.slice(3, 40))
  await waitUntil('all are answered', async () => {
    return (await figures('tributary_sink_sent')) >= 74 && (await figures('tributary_sink_pending')) === 0
  })
  expect(await figures('tributary_sink_sent')).toBe(await figures('tributary_sink_answered_total'))
})

test('positions are committed behind what is searchable, up to the end of the topic', async () => {
  const { orderId } = order(41)
  await writer.rows(OrderRows, [order(41)])
  await waitUntil('nothing is left to read', async () => (await lag(OrderRows.name)) === 0n)
  expect(await seen(orderId)).toBeDefined()
})

test('an index that is deleted is built again from its topic, also when nothing is written', async () => {
  const { orderId } = order(42)
  await writer.rows(OrderRows, [order(42)])
  await waitUntil('the order is searchable', () => seen(orderId))
  const [generation] = await generationsOf(client, 'orders')
  await client.indices.delete({ index: generation!.index })
  await waitUntil('the earlier order is searchable again', () => seen(orderId), { timeoutMs: 60_000 })
})

test('a topic that is created anew gets an index of a new generation, and the old documents go', async () => {
  await writer.rows(OrderRows, [order(44)])
  await waitUntil('the order is searchable', () => seen(order(44).orderId))
  const [before] = await generationsOf(client, 'orders')
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [OrderRows.name] })
  await waitUntil('the topic is gone', async () => !(await admin.listTopics()).includes(OrderRows.name))
  await waitUntil('it is there again', () => applyTopics(brokers, [OrderRows]))
  await admin.disconnect()
  await writer.close()
  writer = await openRowsWriter(brokers)
  await writer.rows(OrderRows, [order(45)])
  await waitUntil('the new topic is served', () => seen(order(45).orderId), { timeoutMs: 60_000 })
  await waitUntil('the old document is gone', async () => (await seen(order(44).orderId)) === undefined)
  const [after] = await generationsOf(client, 'orders')
  expect(after!.generation).toBe(before!.generation + 1)
})

test('batches of every compression are read', async () => {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const compress = (value: string) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: OrderRows.name,
          configEntries: Object.entries({ ...OrderRows.config, 'compression.type': value }).map(([name, value]) => ({
            name,
            value,
          })),
        },
      ],
    })
  for (const kind of ['gzip', 'snappy', 'lz4', 'zstd']) {
    await compress(kind)
    const row = order(46, { orderId: `in ${kind}` })
    await writer.rows(OrderRows, [row])
    await waitUntil(`what is compressed by ${kind} is searchable`, () => seen(row.orderId))
  }
  await compress('producer')
  await admin.disconnect()
})

test('wide and odd rows become documents, and what none can hold is set aside while the rest flows', async () => {
  const item = order(47).items[0]!
  const wide = order(47, {
    orderId: 'wide',
    items: Array.from({ length: 12_000 }, (_, i) => ({ ...item, itemNo: i + 1 })),
  })
  const city = `${'가'.repeat(40_000)} \u{1F600} \u202Eabc`
  const long = order(48, { orderId: 'long', customer: { ...order(48).customer!, city } })
  const late = order(49, { orderId: 'late', purchasedAt: Date.UTC(10_000, 0, 1) })
  const good = order(50, { orderId: 'good' })
  const bad = { ...sample.sellers[0]!, averageScore: Number.NaN }
  await writer.rows(OrderRows, [wide, long, late, good])
  await writer.rows(SellerRows, [bad])
  await waitUntil('the good one is searchable', () => seen('good'))
  expect((await waitUntil('the wide one is, too', () => seen('wide')))?.items).toHaveLength(12_000)
  expect((await waitUntil('and the long one', () => seen('long')))?.customer).toMatchObject({ city })
  const concerns = await waitUntil('letters are told of', () => {
    const found = sink
      .concerns()
      .filter(({ part }) => [`topic ${OrderRows.name}`, `topic ${SellerRows.name}`].includes(part))
    return found.length === 2 ? found : undefined
  })
  for (const { remedy } of concerns) expect(remedy).toBe('npx --no tributary dead-letters list sink')
  expect(concerns.map(({ what }) => what).join()).toContain('late')
  expect(sink.waiting()).toBeUndefined()
})

const openLetters = async () => (await readOpenLetters(brokers, deadLetterTopics, 'test')).open.get(sinkApp) ?? []
const letterOf = (key: string) => openLetters().then((all) => all.find((letter) => String(letter.key) === key))

test('a letter is closed when a later record of its key is applied', async () => {
  const { orderId } = order(51)
  await writer.raw(OrderRows.name, orderId, Buffer.from('garbage'))
  await waitUntil('it is set aside', () => letterOf(orderId))
  await writer.rows(OrderRows, [order(51)])
  await waitUntil('it is closed', async () => (await letterOf(orderId)) === undefined)
  expect(await seen(orderId)).toBeDefined()
})

/** A codec that has learned of schema id 99 in the meantime. */
function wiser() {
  const codec = memoryCodec(contracts)
  const decode = (bytes: Uint8Array) => {
    const own = Buffer.from(bytes)
    if (own.readUInt32BE(1) === 99)
      own.writeUInt32BE(contracts.findIndex(({ name }) => name === OrderRows.row.name) + 1, 1)
    return codec.decode(own)
  }
  return { ...codec, decode }
}
async function ofUnknownSchema(row: ReturnType<typeof order>) {
  const codec = memoryCodec(contracts)
  await codec.prepare(contracts)
  const bytes = codec.encode(OrderRows.row, row)
  bytes.writeUInt32BE(99, 1)
  await writer.raw(OrderRows.name, row.orderId, bytes)
  return waitUntil('it is set aside', () => letterOf(row.orderId))
}

test('a letter is replayed from its place once its record can be read', async () => {
  const { orderId } = order(52)
  const letter = await ofUnknownSchema(order(52))
  const still = sinkCloser({ readModels, brokers, client, codec: memoryCodec(contracts) })
  await expect(still.replay(letter)).rejects.toThrow('unknown-schema')
  const now = sinkCloser({ readModels, brokers, client, codec: wiser() })
  expect(await now.replay(letter)).toContain('replayed')
  expect(await seen(orderId)).toBeDefined()
  expect(await letterOf(orderId)).toBeUndefined()
  await waitUntil('the sink tells no more of it', () => !sink.concerns().some(({ what }) => what.includes(orderId)))
})

test('a letter that is replayed after a later record of its key changes nothing', async () => {
  const letter = await ofUnknownSchema(order(53, { status: 'created' }))
  await writer.rows(OrderRows, [order(53, { status: 'canceled' })])
  await waitUntil('the later one is searchable', () => seen(letter.key!.toString()))
  expect(await sinkCloser({ readModels, brokers, client, codec: wiser() }).replay(letter)).toContain('superseded')
  expect((await seen(letter.key!.toString()))?.status).toBe('canceled')
})

test('a letter that is dropped is closed with its reason, and stays so when its topic is read again', async () => {
  const { orderId } = order(54)
  const letter = await ofUnknownSchema(order(54))
  await sinkCloser({ readModels, brokers, client, codec: wiser() }).drop(letter, 'a test')
  expect(await letterOf(letter.key!.toString())).toBeUndefined()
  await waitUntil('the sink tells no more of it', () => !sink.concerns().some(({ what }) => what.includes(orderId)))
  await writer.rows(OrderRows, [order(56)])
  await waitUntil('a later order is searchable', () => seen(order(56).orderId))
  const [generation] = await generationsOf(client, 'orders')
  await client.indices.delete({ index: generation!.index })
  await waitUntil('it is searchable again', () => seen(order(56).orderId), { timeoutMs: 60_000 })
  expect(await letterOf(orderId)).toBeUndefined()
  expect(await seen(orderId)).toBeUndefined()
})

test('a letter is written again when the dead-letter topic is deleted and made anew', async () => {
  const { orderId } = order(55)
  await writer.raw(OrderRows.name, orderId, Buffer.from('garbage'))
  const before = await waitUntil('it is set aside', () => letterOf(orderId))
  expect(before.topicId).toMatch(/^[0-9a-f]{32}$/)
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [deadLettersOf(sinkApp).name] })
  await waitUntil('it is made anew', () => applyTopics(brokers, [deadLettersOf(sinkApp)]).then(() => true))
  await admin.disconnect()
  const again = await waitUntil('its letter is open again', () => letterOf(orderId))
  expect(again).toMatchObject({ id: before.id, topicId: before.topicId, reason: 'unreadable', at: before.at })
  await writer.rows(OrderRows, [order(55)])
  await waitUntil('it is closed', async () => (await letterOf(orderId)) === undefined)
})

async function rewindGroup(topic: string): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.resetOffsets({ groupId: sinkApp, topic, earliest: true })
  await admin.disconnect()
}

async function lag(topic: string): Promise<bigint> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const [committed] = await admin.fetchOffsets({ groupId: sinkApp, topics: [topic] })
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return ends.reduce((sum, { partition, high }) => {
    const at = committed!.partitions.find((p) => p.partition === partition)!.offset
    return sum + BigInt(high) - (at === '-1' ? 0n : BigInt(at))
  }, 0n)
}
