import { expect, test } from 'vitest'
import { judgeKept } from './outboxes.ts'

const at = Date.parse('2026-07-20T12:00:00Z')
const kept = (partition: string) => ({ partition, why: `why ${partition} stays`, remedy: 'a remedy' })

test('a partition that stays for less than a day beyond the retention is nothing to be told of', () => {
  expect(judgeKept('orders', [], at)).toBeUndefined()
  expect(judgeKept('orders', [kept('outbox_20260712')], at)).toBeUndefined()
})

test('partitions that stay for longer are a concern, with why the oldest does and what ends that', () => {
  expect(judgeKept('orders', [kept('outbox_20260710'), kept('outbox_20260711'), kept('outbox_20260712')], at)).toEqual({
    part: 'orders',
    what: 'the outbox of "orders" keeps 2 days longer than the 7 it should, the oldest is outbox_20260710: why outbox_20260710 stays',
    remedy: 'a remedy',
    unwell: false,
  })
})
