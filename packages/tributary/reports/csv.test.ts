import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import { csvHead, csvLine } from './csv.ts'

const order = {
  orderId: 'o1',
  status: 'delivered',
  purchasedAt: '2018-01-01T00:00:00.000Z',
  customer: { customerId: 'c1', uniqueId: 'u1', city: 'santana, "do" livramento\nsul', state: 'RS' },
  itemCount: 1,
  itemsCents: 1_234_567,
  freightCents: 5,
  totalCents: 1_234_572,
  paidCents: 0,
  balanceCents: -1_234_572,
  late: false,
}
const read = (...orders: object[]) =>
  parse(csvHead + orders.map((one) => csvLine(one as never)).join(''), { columns: true }) as Record<string, string>[]

test('a stock CSV reader gets back what was written, commas, quotes and line breaks included', () => {
  expect(read(order)[0]).toMatchObject({
    order: 'o1',
    city: 'santana, "do" livramento\nsul',
    'items total': '12345.67',
    freight: '0.05',
    balance: '-12345.72',
    late: 'false',
    delivered: '',
    score: '',
  })
})

test('text that a spreadsheet would run stays text', () => {
  const city = '=HYPERLINK("http://example.org")'
  expect(read({ ...order, customer: { city } })[0]!.city).toBe(`'${city}`)
})
