import { beforeAll, expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import { contract } from '#contracts/contract'
import { eventsTopic } from '#contracts/topic'
import { OrderCanceled, PaymentReceived } from '../../../schemas/contracts.generated.ts'
import { Orders } from '../../../schemas/topics.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import { type RawRecord, RegistryAway, readRecord } from './record.ts'
import { subscription } from './subscription.ts'

const OrderReturned = contract<{ orderId: string }>({
  type: 'record',
  namespace: 'tributary.orders',
  name: 'OrderReturned',
  fields: [{ name: 'orderId', type: 'string' }],
})
const codec = memoryCodec([...contracts, OrderReturned])
const orders = subscription(Orders, {})
beforeAll(() => codec.prepare([...contracts, OrderReturned]))

const raw = (value: Buffer | null, more: Partial<RawRecord> = {}): RawRecord => ({
  topic: Orders.name,
  partition: 3,
  offset: 42n,
  timestamp: 0,
  key: Buffer.from('o1'),
  value,
  headers: { ce_id: 'e1' },
  ...more,
})
const contentOf = async (value: Buffer | null, more: Partial<RawRecord> = {}) =>
  (await readRecord(raw(value, more), orders, codec)).content

test('an event is its type and value, its CloudEvents id and its key', async () => {
  const value = codec.encode(OrderCanceled, { orderId: 'o1' })
  expect(await readRecord(raw(value), orders, codec)).toMatchObject({
    key: 'o1',
    eventId: 'e1',
    content: { type: 'tributary.orders.OrderCanceled', value: { orderId: 'o1' } },
  })
})

test('only what says so is republished', async () => {
  const value = codec.encode(OrderCanceled, { orderId: 'o1' })
  const republished = async (headers: RawRecord['headers']) =>
    (await readRecord(raw(value, { headers }), orders, codec)).republished
  expect(await republished({ ce_republished: Buffer.from('true') })).toBe(true)
  expect(await republished({ ce_republished: Buffer.from('false') })).toBe(false)
  expect(await republished({})).toBe(false)
})

test('without key or id a record stands for itself', async () => {
  const read = await readRecord(raw(null, { key: null, headers: {} }), orders, codec)
  expect(read).toMatchObject({ key: 'orders.events/3/42', eventId: 'orders.events/3/42', content: 'tombstone' })
})

test.each([
  ['no bytes', Buffer.alloc(0), 'unreadable'],
  ['text', Buffer.from('{"orderId":"o1"}'), 'unreadable'],
  ['a cut payload', Buffer.from([0, 0, 0, 0, 1]), 'unreadable'],
  ['an unknown schema id', Buffer.from([0, 0, 0, 0xff, 0xff, 1]), 'unknown-schema'],
] as const)('%s is a fault of the record', async (_, value, reason) => {
  expect(await contentOf(value)).toMatchObject({ reason })
})

test("another service's event, or one that claims another type, is a fault of the record", async () => {
  const payment = codec.encode(PaymentReceived, { orderId: 'o', sequence: 1, type: 't', installments: 1, cents: 1 })
  expect(await contentOf(payment)).toMatchObject({ reason: 'unexpected-type' })
  const canceled = codec.encode(OrderCanceled, { orderId: 'o1' })
  expect(await contentOf(canceled, { headers: { ce_type: 'tributary.orders.OrderPlaced' } })).toMatchObject({
    reason: 'unexpected-type',
  })
})

test('a newer event of the same service is no fault', async () => {
  expect(await contentOf(codec.encode(OrderReturned, { orderId: 'o1' }))).toMatchObject({
    type: 'tributary.orders.OrderReturned',
  })
})

test('a registry that does not answer is no fault of the record', async () => {
  const away = { ...codec, learn: () => Promise.reject(new Error('connect ECONNREFUSED')) }
  const unknown = Buffer.from([0, 0, 0, 0xff, 0xff, 1])
  await expect(readRecord(raw(unknown), orders, away)).rejects.toBeInstanceOf(RegistryAway)
})

test('a topic knows its own events by their namespace, whatever a project calls it', async () => {
  const record = (namespace: string, name: string) =>
    contract<{ id: string }>({ type: 'record', namespace, name, fields: [{ name: 'id', type: 'string' }] })
  const [Sailed, Sunk, Paid] = [
    record('harbour.boats', 'Sailed'),
    record('harbour.boats', 'Sunk'),
    record('harbour.dues', 'Paid'),
  ]
  const codec = memoryCodec([Sailed, Sunk, Paid])
  await codec.prepare([Sailed, Sunk, Paid])
  const boats = subscription(eventsTopic('boats', { Sailed }), {})
  const contentOf = async (event: typeof Sailed) =>
    (await readRecord(raw(codec.encode(event, { id: 'b1' }), { topic: 'boats.events' }), boats, codec)).content
  expect(await contentOf(Sailed)).toMatchObject({ type: 'harbour.boats.Sailed' })
  // A newer one.
  expect(await contentOf(Sunk)).toMatchObject({ type: 'harbour.boats.Sunk' })
  expect(await contentOf(Paid)).toMatchObject({ reason: 'unexpected-type' })
})
