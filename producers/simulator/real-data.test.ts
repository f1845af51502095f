import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Marketplace } from './marketplace.ts'
import { readOlist } from './olist.ts'
import { type Summary, summarise } from './summary.ts'

const folder = process.env.OLIST_DATA ?? join(import.meta.dirname, '../../../shared/data/olist')
const present = existsSync(folder)
if (!present) console.warn(`not run: ${folder} is missing (OLIST_DATA names the folder with the Olist CSV files)`)

// Reading all of it takes a while on a busy machine.
describe.skipIf(!present)('the Olist data set', { timeout: 180_000 }, () => {
  let market: Marketplace
  let summary: Summary
  beforeAll(async () => {
    market = await readOlist(folder)
    summary = summarise(market)
  }, 180_000)

  test('every order ends in the status of the file', () => {
    expect(summary.wrong).toEqual([])
    expect(summary.statuses).toEqual({
      created: 5,
      approved: 2,
      invoiced: 314,
      processing: 301,
      shipped: 1_107,
      delivered: 96_478,
      unavailable: 609,
      canceled: 625,
    })
  })

  test('money adds up to the cent', () => {
    expect(summary.paidCents).toBe(1_600_887_212)
    expect(summary.itemsCents).toBe(1_359_164_370)
    expect(summary.freightCents).toBe(225_190_954)
  })

  test('every row becomes a command', () => {
    expect(summary.commands).toMatchObject({
      register: 99_441,
      list: 32_951,
      join: 3_095,
      translate: 71,
      place: 99_441,
      pay: 103_886,
      review: 99_224,
      cancel: 625,
      unavailable: 609,
    })
  })

  test('six canceled orders are delivered before they are canceled, and eight delivered ones at an unknown time', () => {
    const of = (status: string, delivered: boolean) =>
      market.orders.filter((order) => order.status === status && (order.deliveredAt !== null) === delivered)
    expect(of('canceled', true)).toHaveLength(6)
    expect(of('delivered', false)).toHaveLength(8)
  })

  test('the first orders of a limit are the first of all', async () => {
    const some = await readOlist(folder, 300)
    expect(some.orders).toEqual(market.orders.slice(0, 300))
    expect(summarise(some).wrong).toEqual([])
  })
})
