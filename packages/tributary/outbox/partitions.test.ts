import { expect, test } from 'vitest'
import { daysAhead, partitionNamed, partitionOf, wantedPartitions } from './partitions.ts'

const noon = Date.UTC(2026, 1, 28, 12)

test('a partition holds one UTC day and is named after it', () => {
  expect(partitionOf(noon)).toEqual({
    name: 'outbox_20260228',
    from: Date.UTC(2026, 1, 28),
    to: Date.UTC(2026, 2, 1),
  })
  expect(partitionNamed('outbox_20260228')).toEqual(partitionOf(noon))
  expect(partitionNamed('outbox_old')).toBeUndefined()
})

test('days ahead count up to the first day that is missing', () => {
  const partitions = wantedPartitions(noon, 5)
  expect(daysAhead(partitions, noon)).toBe(5)
  expect(daysAhead(partitions.toSpliced(3, 1), noon)).toBe(2)
  expect(daysAhead([], noon)).toBe(0)
})
