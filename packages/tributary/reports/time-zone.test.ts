import { expect, test } from 'vitest'
import { dayBegin, localTime } from './time-zone.ts'

const begin = (day: string, zone: string) => new Date(dayBegin(Date.parse(day), zone)).toISOString()

test.each([
  ['2018-08-07', 'UTC', '2018-08-07T00:00:00.000Z'],
  ['2018-08-07', 'Asia/Kolkata', '2018-08-06T18:30:00.000Z'],
  ['2018-08-07', 'America/Sao_Paulo', '2018-08-07T03:00:00.000Z'],
  // Clocks are put forward from midnight to one: the day begins at one.
  ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
  // Clocks are put back from midnight to eleven: midnight comes once, an hour later.
  ['2018-02-18', 'America/Sao_Paulo', '2018-02-18T03:00:00.000Z'],
  // Clocks are put back from one to midnight: the day begins with the first midnight.
  ['2022-10-30', 'Atlantic/Azores', '2022-10-30T00:00:00.000Z'],
  // Before there were time zones, to the second.
  ['0001-01-01', 'America/Sao_Paulo', '0001-01-01T03:06:28.000Z'],
])('%s begins in %s at %s', (day, zone, at) => {
  expect(begin(day, zone)).toBe(at)
})

test('what clocks show is told of the last moment that a date can be', () => {
  expect(localTime(8.64e15, 'Asia/Kolkata')).toBe(8.64e15 + 5.5 * 3_600_000)
  expect(Number.isNaN(dayBegin(-8.64e15, 'Asia/Kolkata'))).toBe(false)
})
