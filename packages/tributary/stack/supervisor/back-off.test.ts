import { expect, test } from 'vitest'
import { delayAfter } from './back-off.ts'

test('pauses grow by half from 200 ms to 15 s, and stay there for ever', () => {
  expect([0, 1, 2, 3].map(delayAfter)).toEqual([200, 300, 450, 675])
  expect(delayAfter(10)).toBeLessThan(15_000)
  expect([11, 100, 1_000_000].map(delayAfter)).toEqual([15_000, 15_000, 15_000])
})
