import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstLimit, nextLimit } from './epoch-size.ts'

/** Works off a backlog at so many records per ms; gives each epoch's records and time. */
function workOff(backlog: number, perMs: number) {
  const epochs: { taken: number; workMs: number }[] = []
  let limit = firstLimit
  for (let behind = backlog; behind > 0; ) {
    const taken = Math.min(limit, behind)
    const workMs = taken / perMs
    behind -= taken
    epochs.push({ taken, workMs })
    limit = nextLimit(limit, { taken, workMs, behind })
  }
  return epochs
}

test('a long backlog is worked off in epochs of up to a second, and its end in short ones again', () => {
  const epochs = workOff(500_000, 10)
  const longest = Math.max(...epochs.map(({ workMs }) => workMs))
  expect(longest).toBeGreaterThan(900)
  expect(longest).toBeLessThan(1_001)
  expect(epochs.at(-1)!.workMs).toBeLessThan(200)
})

test('without much of a backlog an epoch takes about a tenth of a second', () => {
  let limit = 20_000
  for (let epoch = 0; epoch < 20; epoch++) {
    limit = nextLimit(limit, { taken: limit, workMs: limit / 10, behind: 2_000 })
  }
  expect(limit).toBeGreaterThan(900)
  expect(limit).toBeLessThan(1_100)
})

test('epochs that take less than they may stay as they are', () => {
  expect(nextLimit(2_000, { taken: 30, workMs: 4, behind: 0 })).toBe(2_000)
})

test('an epoch takes 500 to 20,000 records, however long they take', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 500, max: 20_000 }),
      fc.integer({ min: 1, max: 20_000 }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.integer({ min: 0, max: 1e9 }),
      (limit, taken, workMs, behind) => {
        const next = nextLimit(limit, { taken, workMs, behind })
        expect(Number.isInteger(next)).toBe(true)
        expect(next).toBeGreaterThanOrEqual(500)
        expect(next).toBeLessThanOrEqual(20_000)
      },
    ),
  )
})
