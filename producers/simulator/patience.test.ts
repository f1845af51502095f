import { expect, test } from 'vitest'
import { Patience } from './patience.ts'

test('commands on fresh orders are held back for as long as the service was seen to need', () => {
  const patience = new Patience()
  expect(patience.before('payments', 1_000, 1_000)).toBe(0)
  patience.learn('payments', 1_000, 3, 1_200)
  expect(patience.before('payments', 2_000, 2_000)).toBe(200)
  expect(patience.before('payments', 2_000, 2_150)).toBe(50)
  expect(patience.before('payments', 2_000, 9_000)).toBe(0)
  expect(patience.before('shipping', 2_000, 2_000)).toBe(0)
})

test('it is probed downwards while first attempts succeed, and bounded', () => {
  const patience = new Patience()
  patience.learn('payments', 1_000, 9, 100_000)
  expect(patience.before('payments', 0, 0)).toBe(5_000)
  for (let time = 0; time < 100; time++) patience.learn('payments', 1, 1, 6_000)
  expect(patience.before('payments', 0, 0)).toBeLessThan(1_000)
})

test('who waits is woken by a success on an order placed as late, or by time', async () => {
  const patience = new Patience()
  const woken: string[] = []
  const waits = [
    patience.wait('payments', 1_000, 60_000).then(() => woken.push('early')),
    patience.wait('payments', 3_000, 60_000).then(() => woken.push('late')),
    patience.wait('shipping', 1_000, 60_000).then(() => woken.push('other service')),
    patience.wait('reviews', 1_000, 1).then(() => woken.push('time')),
  ]
  patience.learn('payments', 2_000, 1)
  await Promise.all([waits[0], waits[3]])
  expect(woken.toSorted()).toEqual(['early', 'time'])
  patience.wakeAll()
  await Promise.all(waits)
  expect(woken).toHaveLength(4)
})

test('the more wait, the less often each asks', () => {
  const patience = new Patience()
  expect(patience.backOff('payments', 1)).toBeLessThanOrEqual(50)
  expect(patience.backOff('payments', 30)).toBeLessThanOrEqual(1_000)
  for (let order = 1; order <= 400; order++) void patience.wait('payments', order, 60_000)
  expect(patience.backOff('payments', 30)).toBeGreaterThanOrEqual(4_000)
  expect(patience.backOff('payments', 30)).toBeLessThanOrEqual(8_000)
  patience.wakeAll()
})
