import { expect, test } from 'vitest'
import { CoordinatorsWatch } from './coordinators.ts'

const away = new Map([
  ['sink', 'This is not the correct coordinator for this group'],
  ['orders.inbox', 'This is not the correct coordinator for this group'],
])

test('a broker that has just started may read its groups first', () => {
  const watch = new CoordinatorsWatch()
  expect(watch.look(away, 0)).toBeUndefined()
  expect(watch.look(away, 29_000)).toBeUndefined()
  expect(watch.look(new Map(), 31_000)).toBeUndefined()
  expect(watch.look(away, 32_000)).toBeUndefined()
})

test('groups that stay without a coordinator are named, with what mends it, until they have one', () => {
  const watch = new CoordinatorsWatch()
  watch.look(away, 0)
  expect(watch.look(away, 45_000)).toEqual({
    part: 'kafka',
    what: 'the broker has not coordinated "sink", "orders.inbox" for 45 s (This is not the correct coordinator for this group): their members stand still',
    remedy: '`npx --no tributary restart kafka` (with Docker: `docker compose restart kafka`)',
    unwell: true,
  })
  expect(watch.look(new Map([['sink', 'still']]), 60_000)?.what).toMatch(
    /^the broker has not coordinated "sink" for 60 s/,
  )
  expect(watch.look(new Map(), 75_000)).toBeUndefined()
})
