import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import { UNREADABLE_BATCH } from '#runtime/kafkajs'
import { OrderRows, SalesRows, SellerRows } from '../../../schemas/topics.ts'
import { orders, sales } from '../../../sinks/read-models/index.ts'
import { sampleRows } from '../../../sinks/testing/sample.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import { recordReader } from './records.ts'

const codec = memoryCodec(contracts)
await codec.prepare(contracts)
const sample = sampleRows(3)
const row = sample.orders[0]!

const message = (key: string | Buffer | null, value: Buffer | null): KafkaMessage =>
  ({ key: key === null ? null : Buffer.from(key), value, offset: '7', timestamp: '0', headers: {} }) as never
const read = (record: KafkaMessage) => recordReader(orders, memoryCodec(contracts))(record)

test('a row becomes its document, read with a schema that was not known before', async () => {
  const result = await read(message(row.orderId, codec.encode(OrderRows.row, row)))
  expect(result).toMatchObject({ ok: true, id: row.orderId })
  expect(JSON.parse((result as { body: string }).body)).toMatchObject({ orderId: row.orderId, status: row.status })
})

test('a key of several parts is compared as a whole', async () => {
  const sale = sample.sales[0]!
  const bytes = codec.encode(SalesRows.row, sale)
  const readSale = recordReader(sales, memoryCodec(contracts))
  expect(await readSale(message(`${sale.day}|${sale.state}|${sale.category}`, bytes))).toMatchObject({ ok: true })
  expect(await readSale(message(`${sale.day}|${sale.state}|other`, bytes))).toMatchObject({ reason: 'bad-key' })
})

test('a tombstone becomes a delete marker', async () => {
  expect(await read(message('o1', null))).toEqual({ ok: true, id: 'o1', body: '{"deleted":true}' })
})

test.each([
  ['garbage', 'unreadable', () => message('o1', Buffer.from('garbage'))],
  ['a truncated row', 'unreadable', () => message('o1', codec.encode(OrderRows.row, row).subarray(0, 20))],
  ['an unknown schema id', 'unknown-schema', () => message('o1', Buffer.from([0, 0, 1, 0, 0, 9]))],
  ['a row of another type', 'unexpected-type', () => message('s1', codec.encode(SellerRows.row, sample.sellers[0]!))],
  ["another row's key", 'bad-key', () => message('o1', codec.encode(OrderRows.row, row))],
  ['no key', 'no-key', () => message(null, codec.encode(OrderRows.row, row))],
  ['a key that is not UTF-8', 'bad-key', () => message(Buffer.from([0xff, 0xfe]), null)],
  ['a key over 512 bytes', 'bad-key', () => message('ä'.repeat(257), null)],
  [
    'an instant that is no date',
    'unreadable',
    () => message(row.orderId, codec.encode(OrderRows.row, { ...row, purchasedAt: 9_000_000_000_000_000 })),
  ],
] as const)('%s is set aside as %s', async (_, reason, record) => {
  expect(await read(record())).toMatchObject({ ok: false, reason })
})

test('a key of exactly 512 bytes is taken', async () => {
  expect(await read(message('ä'.repeat(256), null))).toMatchObject({ ok: true })
})

test('a registry that cannot be asked is no reason to set a record aside', async () => {
  const away = { ...memoryCodec(contracts), learn: () => Promise.reject(new Error('connect ECONNREFUSED')) }
  await expect(recordReader(orders, away)(message('o1', codec.encode(OrderRows.row, row)))).rejects.toThrow(
    'ECONNREFUSED',
  )
})

test('a batch that cannot be read is set aside with the reason', async () => {
  const headers = { [UNREADABLE_BATCH]: Buffer.from('the batch of offsets 3 to 7 cannot be read') }
  const stand = { ...message(null, Buffer.from([1, 2])), headers } as KafkaMessage
  expect(await read(stand)).toMatchObject({ reason: 'unreadable', explanation: expect.stringContaining('3 to 7') })
})
