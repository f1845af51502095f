import { expect, test } from 'vitest'
import { waitUntil } from './wait-until.ts'

test('gives what the condition gave once it is truthy, over errors on the way', async () => {
  const looks = [() => 0, () => Promise.reject(new Error('not yet')), () => 'there']
  expect(await waitUntil('it is there', () => looks.shift()!(), { everyMs: 1 })).toBe('there')
})

test('says what was waited for and what was seen last when the deadline passes', async () => {
  const never = waitUntil('the moon is full', () => Promise.reject(new Error('half of it')), {
    timeoutMs: 5,
    everyMs: 1,
  })
  await expect(never).rejects.toThrow('waited 5 ms until the moon is full; the last look failed: half of it')
})
