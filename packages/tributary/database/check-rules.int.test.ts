import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Databases, freshId, openDatabases } from '../../../tests/harness/databases.ts'
import { services } from '../../../tests/harness/marketplace.ts'
import { type BrokenRule, brokenRules } from './check-rules.ts'
import { readVerifierLogin } from './settings.ts'

let databases: Databases
beforeAll(async () => {
  databases = await openDatabases()
})
afterAll(() => databases[Symbol.asyncDispose]())

async function broken(marked: string): Promise<BrokenRule[]> {
  const found: BrokenRule[] = []
  for await (const one of brokenRules(services, readVerifierLogin(databases.env))) {
    if (JSON.stringify(one.key).includes(marked)) found.push(one)
  }
  return found
}

test('rows that came in before a rule are named with table, key, column and rule; nothing else is', async () => {
  const mark = freshId('odd')
  const superuser = (name: string) => databases.superuser(name)
  const customer = { unique_id: 'u', zip: 'AB1 2CD', city: 'c', state: 'SP' }
  await superuser('customers')('customers').insert([
    { ...customer, customer_id: `${mark}-ok` },
    { ...customer, customer_id: `${mark}-state`, state: '가'.repeat(100) },
  ])
  const order = { customer_id: 'c', status: 'created' }
  await superuser('orders')('orders').insert([
    { ...order, order_id: `${mark}-year`, purchased_at: superuser('orders').raw(`'0044-03-15 BC'`) },
    { ...order, order_id: `${mark}-dear`, purchased_at: new Date(0) },
  ])
  const item = { order_id: `${mark}-dear`, product_id: 'p', seller_id: 's', freight_cents: 0 }
  await superuser('orders')('items').insert([{ ...item, item_no: 1, price_cents: '9007199254740993' }])
  const review = { order_id: `${mark}-loved`, score: 5, created_at: new Date(0) }
  const reviews = Array.from({ length: 101 }, (_, n) => ({ ...review, review_id: `r${n}` }))
  await superuser('reviews')('reviews').insert(reviews)

  const found = await broken(mark)
  expect(found).toEqual([
    {
      service: 'customers',
      table: 'customers',
      key: { customer_id: `${mark}-state` },
      column: 'state',
      fault: expect.stringMatching(/^has 300 bytes, at most 100/),
    },
    {
      service: 'orders',
      table: 'items',
      key: { order_id: `${mark}-dear`, item_no: 1 },
      column: 'price_cents',
      fault: expect.stringMatching(/^must be between 0 and 1000000000/),
    },
    {
      service: 'orders',
      table: 'orders',
      key: { order_id: `${mark}-year` },
      column: 'purchased_at',
      fault: expect.stringMatching(/^must be between 1970/),
    },
    {
      service: 'orders',
      table: 'items',
      key: { order_id: `${mark}-dear` },
      column: 'price_cents + freight_cents',
      fault: expect.stringMatching(/together, at most 10000000000/),
    },
    {
      service: 'reviews',
      table: 'reviews',
      key: { order_id: `${mark}-loved` },
      column: 'review_id',
      fault: expect.stringMatching(/^101 rows, at most 100 are possible/),
    },
  ])
  await superuser('customers')('customers').where('customer_id', 'like', `${mark}%`).delete()
  await superuser('reviews')('reviews').where('order_id', 'like', `${mark}%`).delete()
  await superuser('orders')('items').where('order_id', 'like', `${mark}%`).delete()
  await superuser('orders')('orders').where('order_id', 'like', `${mark}%`).delete()
  expect(await broken(mark)).toEqual([])
})
