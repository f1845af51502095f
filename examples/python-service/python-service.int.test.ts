import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Knex } from 'knex'
import { topology } from 'tributary/engine'
import { drive, waitUntil } from 'tributary/testing'
import { connectStack } from 'tributary/testing/stack'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { OrderApproved, OrderPlaced } from '#schemas/contracts.generated.ts'
import { applyTopics } from '../../packages/tributary/contracts/apply-topics.ts'
import { type Codec, openCodec } from '../../packages/tributary/contracts/codec.ts'
import { registerSchemas } from '../../packages/tributary/contracts/register.ts'
import { eventsTopic, rowsTopic } from '../../packages/tributary/contracts/topic.ts'
import { migrate } from '../../packages/tributary/database/migrate.ts'
import { readMigrateSettings } from '../../packages/tributary/database/settings.ts'
import { throwFailed } from '../../packages/tributary/runtime/each.ts'
import kafkajs from '../../packages/tributary/runtime/kafkajs.ts'
import { type Databases, freshId, openDatabases } from '../../tests/harness/databases.ts'
import { contracts } from '../../tests/harness/marketplace.ts'
import { Loyalty, PointsGranted, service } from './definition.ts'

/** `make test` puts a Python with the packages of requirements.txt into .tributary/python. */
const installed = join(import.meta.dirname, '../../.tributary/python/bin/python')
const python = process.env.PYTHON ?? (existsSync(installed) ? installed : 'python3')
const tried = spawnSync(python, ['-c', 'import confluent_kafka, fastavro, psycopg'], { encoding: 'utf8' })
const missing = tried.status === 0 ? undefined : (tried.stderr?.trim().split('\n').at(-1) ?? tried.error?.message)
if (missing) console.warn(`skipped: the service in Python (${missing})`)

const PASSWORD = 'loyalty-test'
const topic = eventsTopic('orders', { OrderPlaced, OrderApproved })
const { env } = connectStack()
const brokers = [env.KAFKA_BROKERS!]
const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })

describe.skipIf(missing)('a service in Python', () => {
  let databases: Databases
  let db: Knex
  let codec: Codec
  let source: typeof topic
  let running: ChildProcess | undefined
  let said = ''

  beforeAll(async () => {
    databases = await openDatabases()
    const all = [...contracts, PointsGranted]
    await registerSchemas(env.REGISTRY_URL!, all)
    codec = await openCodec({ registry: env.REGISTRY_URL!, contracts: all })
    await codec.prepare(all)
    // The machine prepares the database, as it does for any service.
    const settings = readMigrateSettings([], env)
    const passwords = { ...settings.passwords, service: { loyalty: PASSWORD }, connector: { loyalty: PASSWORD } }
    const services = { services: ['loyalty'], loadService: async () => service }
    throwFailed(await migrate(services, { ...settings, passwords }))
    db = databases.superuser('loyalty')
    await producer.connect()
  })
  beforeEach(async () => {
    source = { ...topic, name: freshId('orders.events') }
    await applyTopics(brokers, [source])
    await db.raw('truncate points, inbox, inbox_offsets; delete from outbox')
    said = ''
    return async () => {
      if (running?.exitCode === null) {
        running.kill('SIGKILL')
        await ended(running)
      }
    }
  })
  afterAll(async () => {
    await producer.disconnect()
    const postgres = databases.superuser('postgres')
    await db.destroy()
    await postgres.raw(`select pg_drop_replication_slot('loyalty_outbox')`)
    await postgres.raw('drop database loyalty with (force)')
    await postgres.raw('revoke loyalty_connector from maintainer')
    await postgres.raw('drop role loyalty, loyalty_connector')
    await databases[Symbol.asyncDispose]()
  })

  const ended = (child: ChildProcess) =>
    new Promise<number | null>((resolve) => (child.exitCode === null ? child.on('exit', resolve) : resolve(0)))

  function start(): ChildProcess {
    const child = spawn(python, [join(import.meta.dirname, 'service.py')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: `postgresql://loyalty:${PASSWORD}@${env.POSTGRES_HOST}:${env.POSTGRES_PORT}/loyalty`,
        KAFKA_BROKERS: brokers.join(','),
        REGISTRY_URL: env.REGISTRY_URL!,
        ORDERS_TOPIC: source.name,
      },
    })
    child.stderr!.on('data', (chunk) => {
      said += chunk
    })
    running = child
    return child
  }

  const order = (orderId: string, priceCents: number) => ({
    orderId,
    customerId: 'c1',
    purchasedAt: Date.UTC(2018, 7, 7, 10),
    estimatedAt: null,
    items: [{ itemNo: 1, productId: 'p', sellerId: 's', priceCents, freightCents: 0, shipBy: null }],
  })
  const placed = (orderId: string, priceCents: number, id = freshId('event')) => ({
    key: orderId,
    value: codec.encode(OrderPlaced, order(orderId, priceCents)),
    headers: { ce_id: id, ce_type: OrderPlaced.name },
  })
  const approved = (orderId: string) => ({
    key: orderId,
    value: codec.encode(OrderApproved, { orderId, approvedAt: null }),
    headers: { ce_id: freshId('event'), ce_type: OrderApproved.name },
  })
  const send = (messages: ReturnType<typeof placed>[]) => producer.send({ topic: source.name, messages })
  const outbox = () => db('outbox').orderBy('seq')
  const untilPublished = (key: string) =>
    waitUntil(
      `the event of ${key} is in the outbox`,
      async () => {
        if (running!.exitCode !== null) throw new Error(`the service ended: ${said}`)
        return (await outbox()).some(({ aggregateid }) => aggregateid === key)
      },
      { timeoutMs: 40_000 },
    )

  test('writes outbox rows that our codec reads, and a topology joins them', async () => {
    await send([placed('o1', 12_345), approved('o1')])
    start()
    await untilPublished('o1')
    const [row, ...others] = await outbox()
    expect(others).toEqual([])
    expect(row).toMatchObject({
      aggregatetype: 'points',
      aggregateid: 'o1',
      type: 'tributary.loyalty.PointsGranted',
      source: '/tributary/loyalty',
      specversion: '1.0',
      time: '2018-08-07T10:00:00.000Z',
    })
    expect(row.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)
    const value = { customerId: 'c1', orderId: 'o1', points: 123, orderedAt: Date.UTC(2018, 7, 7, 10) }
    expect(codec.decode(row.payload)).toEqual({ name: PointsGranted.name, value })
    // Byte for byte what our own codec writes.
    expect(row.payload.equals(codec.encode(PointsGranted, value))).toBe(true)

    const driven = drive(joined)
    driven.pipe(topic, { name: 'OrderPlaced', key: 'o1', data: order('o1', 12_345) })
    const data = codec.decode(row.payload).value as PointsGranted
    driven.pipe(Loyalty, { name: 'PointsGranted', key: row.aggregateid, data })
    expect([...driven.table(Joined).values()]).toEqual([value])
  })

  test('handles what is delivered twice once, also across a kill', async () => {
    const id = freshId('event')
    await send([placed('o1', 500, id), placed('o1', 500, id), placed('o2', 700)])
    const first = start()
    await untilPublished('o2')
    first.kill('SIGKILL')
    await ended(first)
    // Its group begins anew, as where Kafka lost its position.
    const admin = kafka.admin()
    await admin.connect()
    await waitUntil(
      'its group is empty',
      async () => {
        await admin.resetOffsets({ groupId: 'loyalty.inbox', topic: source.name, earliest: true })
        return true
      },
      { timeoutMs: 60_000 },
    )
    await admin.disconnect()
    await send([placed('o1', 500, id), placed('o3', 900)])
    start()
    await untilPublished('o3')
    expect((await outbox()).map(({ aggregateid }) => aggregateid).toSorted()).toEqual(['o1', 'o2', 'o3'])
    expect(await db('points').select('order_id', 'points').orderBy('order_id')).toEqual([
      { order_id: 'o1', points: 5 },
      { order_id: 'o2', points: 7 },
      { order_id: 'o3', points: 9 },
    ])
  }, 120_000)
})

const Joined = rowsTopic('points', PointsGranted, { key: (row) => row.orderId })
/** What a customer got for an order that the orders service knows. */
const joined = topology('points', ({ events }) => {
  const orders = events(topic).evolve<{ customerId: string; orderedAt: number }>(
    {
      OrderPlaced: (_, { customerId, purchasedAt }) => ({ customerId, orderedAt: purchasedAt }),
      OrderApproved: (order) => order,
    },
    { name: 'orders' },
  )
  const points = events(Loyalty).evolve<{ points: number }>(
    { PointsGranted: (_, { points }) => ({ points }) },
    { name: 'points' },
  )
  return orders
    .join(points, { select: (order, { points }) => ({ ...order, points }) })
    .map((row, orderId) => ({ orderId, ...row }))
    .to(Joined)
})
