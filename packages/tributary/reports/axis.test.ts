import { expect, test } from 'vitest'
import { axisFor, intervalFor } from './axis.ts'

const DAY_MS = 86_400_000
const at = (day: string) => Date.parse(`${day}T12:00:00Z`)
const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)

test('an axis has about a hundred bars', () => {
  const wide = [30, 400, 2_000, 10_000, 40_000].map((days) => intervalFor(0, days * DAY_MS))
  expect(wide).toEqual(['day', 'week', 'month', 'quarter', 'year'])
})

test('an axis reaches from the first document to the last, in whole bars', () => {
  const axis = axisFor({
    min: at('2016-09-04'),
    low: at('2017-02-10'),
    middle: at('2018-01-01'),
    high: at('2018-07-25'),
    max: at('2018-10-17'),
  })
  // Mondays and Sundays
  expect([day(axis.fromMs), day(axis.toMs), axis.interval]).toEqual(['2016-08-29', '2018-10-21', 'week'])
})

test('a few documents in the year 1 and the year 9999 do not flatten all others to one bar', () => {
  const axis = axisFor({
    min: at('0001-01-01'),
    low: at('2018-01-03'),
    middle: at('2018-01-20'),
    high: at('2018-02-07'),
    max: at('9999-12-31'),
  })
  expect([day(axis.fromMs), day(axis.toMs), axis.interval]).toEqual(['2017-11-29', '2018-03-14', 'day'])
})

test('where everything is far apart the axis is bounded all the same, around the middle', () => {
  const axis = axisFor({
    min: at('0001-01-01'),
    low: at('0001-01-01'),
    middle: at('2018-01-20'),
    high: at('9999-12-31'),
    max: at('9999-12-31'),
  })
  expect(axis.interval).toBe('year')
  expect((axis.toMs - axis.fromMs) / DAY_MS / 365).toBeLessThan(160)
  expect(axis.fromMs).toBeLessThan(at('2018-01-20'))
  expect(axis.toMs).toBeGreaterThan(at('2018-01-20'))
})

test('one document has an axis of one bar', () => {
  const only = at('9999-12-31')
  const axis = axisFor({ min: only, low: only, middle: only, high: only, max: only })
  expect([day(axis.fromMs), day(axis.toMs), axis.interval]).toEqual(['9999-12-31', '9999-12-31', 'day'])
})

test('bars begin where the days of a time zone do, and are whole across a change of its clocks', () => {
  const moments = { min: '2018-10-20T12:00:00Z', max: '2018-11-10T12:00:00Z' }
  const [min, max] = [Date.parse(moments.min), Date.parse(moments.max)]
  const axis = axisFor({ min, low: min, middle: min, high: max, max }, 'America/Sao_Paulo')
  // Three hours behind before November 4, two after it.
  expect(new Date(axis.fromMs).toISOString()).toBe('2018-10-20T03:00:00.000Z')
  expect(new Date(axis.toMs).toISOString()).toBe('2018-11-11T01:59:59.999Z')
})
