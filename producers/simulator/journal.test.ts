import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { generateMarketplace } from './generate.ts'
import { type Journal, openJournal } from './journal.ts'
import { trustJournal } from './resume.ts'
import type { Service } from './script.ts'

let folder: string
let path: string
let journal: Journal
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-'))
  path = join(folder, 'new', 'load.journal')
  journal = openJournal(path)
})
afterEach(async () => {
  journal.close()
  await rm(folder, { recursive: true })
})
const reopen = () => {
  journal.close()
  journal = openJournal(path)
  return journal
}

test('entries are there again after a restart, in their order', () => {
  for (const id of ['b', 'a', 'product/ü']) journal.add(id)
  expect(reopen().entries()).toEqual(['b', 'a', 'product/ü'])
  expect(journal.has('a')).toBe(true)
  expect(journal.has('c')).toBe(false)
})

test('a torn last line is dropped, and what follows is whole', async () => {
  journal.add('order-1')
  await appendFile(path, 'order-')
  expect(reopen().entries()).toEqual(['order-1'])
  journal.add('order-2')
  expect(await readFile(path, 'utf8')).toBe('order-1\norder-2\n')
})

test('a cleared journal is empty, also after a restart', () => {
  journal.add('order-1')
  journal.clear()
  journal.add('order-2')
  expect(reopen().entries()).toEqual(['order-2'])
})

const market = generateMarketplace({ orders: 50, seed: 1 })
const knowing = (knows: (service: Service, path: string) => boolean) => ({
  get: async (service: Service, path: string) => (knows(service, path) ? {} : undefined),
})

test('a journal is trusted while every service knows the first and the last order in it', async () => {
  for (const order of market.orders.slice(0, 20)) journal.add(order.orderId)
  expect(
    await trustJournal(
      journal,
      market,
      knowing(() => true),
    ),
  ).toEqual({ played: 20, cleared: false })
  expect(journal.entries()).toHaveLength(20)
})

test.each<Service>(['orders', 'customers', 'catalog', 'payments', 'shipping', 'reviews'])(
  'a journal is cleared when %s was emptied',
  async (emptied) => {
    for (const order of market.orders.slice(0, 20)) journal.add(order.orderId)
    const sender = knowing((service) => service !== emptied)
    expect(await trustJournal(journal, market, sender)).toEqual({ played: 0, cleared: true })
    expect(journal.entries()).toEqual([])
  },
)

test('a journal is cleared when the databases were set back to before its last order', async () => {
  for (const order of market.orders.slice(0, 20)) journal.add(order.orderId)
  const last = market.orders[19]?.orderId as string
  const sender = knowing((_, path) => !path.includes(last))
  expect((await trustJournal(journal, market, sender)).cleared).toBe(true)
})

test('an empty journal asks nobody', async () => {
  const sender = { get: () => Promise.reject(new Error('asked')) }
  expect(await trustJournal(journal, market, sender)).toEqual({ played: 0, cleared: false })
})
