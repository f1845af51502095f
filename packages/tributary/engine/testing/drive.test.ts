import { expect, test } from 'vitest'
import { topology } from '../index.ts'
import { drive } from './drive.ts'
import { type ThingSet, Things, thingSet, toyRows } from './toys.ts'

const Rows = toyRows('driven')
const things = (
  evolve: (row: ThingSet | undefined, event: ThingSet) => ThingSet | null,
  text: (row: ThingSet) => string,
) =>
  topology('driven', ({ events }) =>
    events(Things)
      .evolve<ThingSet>({ ThingSet: evolve }, { name: 'things' })
      .map((row, key) => ({ key, text: text(row) }))
      .to(Rows),
  )

test('when a handler throws, the row stays as it was, and later events of its key wait until a tombstone', () => {
  const driver = drive(
    things(
      (_, event) => {
        if (event.size === 13) throw new Error('thirteen')
        return event
      },
      (row) => String(row.size),
    ),
  )
  for (const size of [1, 13, 2]) driver.pipe(Things, thingSet('t', null, size))
  driver.pipe(Things, thingSet('other', null, 5))
  expect([...driver.table(Rows)].map(([key, { text }]) => [key, text])).toEqual([
    ['t', '1'],
    ['other', '5'],
  ])
  expect(driver.failures.map(({ message }) => message)).toEqual(['thirteen'])
  driver.erase(Things, 't')
  driver.pipe(Things, thingSet('t', null, 3))
  expect(driver.table(Rows).get('t')?.text).toBe('3')
})

test('when a projection throws, the row is left out until it can be made again', () => {
  const driver = drive(
    things(
      (_, event) => event,
      (row) => {
        if (row.size < 0) throw new Error('negative')
        return String(row.size)
      },
    ),
  )
  driver.pipe(Things, thingSet('t', null, 1))
  driver.pipe(Things, thingSet('t', null, -1))
  expect(driver.table(Rows).size).toBe(0)
  expect(driver.failures.map(({ place, message }) => [place, message])).toEqual([['things-map', 'negative']])
  driver.pipe(Things, thingSet('t', null, 2))
  expect(driver.table(Rows).get('t')?.text).toBe('2')
})

test('an event that changes nothing writes nothing', () => {
  const driver = drive(
    things(
      (_, event) => event,
      (row) => String(row.size),
    ),
  )
  driver.pipe(Things, thingSet('t', null, 1))
  driver.read(Rows)
  driver.pipe(Things, thingSet('t', null, 1))
  expect(driver.read(Rows)).toEqual([])
})

test('a row that would not come back from a changelog as it went in is refused', () => {
  const driver = drive(
    things(
      (_, event) => ({ ...event, size: Number.NaN }),
      (row) => String(row.size),
    ),
  )
  driver.pipe(Things, thingSet('t', null, 1))
  expect(driver.failures[0]?.message).toMatch(/field "size" of a row is NaN/)
})

test('a projection that changes a row it was given fails', () => {
  const driver = drive(
    things(
      (_, event) => event,
      (row) => String(++(row as { size: number }).size),
    ),
  )
  driver.pipe(Things, thingSet('t', null, 1))
  expect(driver.failures[0]?.message).toMatch(/read only/)
})

test('a sum of something that is not a whole number is refused', () => {
  const driver = drive(
    topology('sums', ({ events }) =>
      events(Things)
        .evolve<ThingSet>({ ThingSet: (_, event) => event })
        .groupBy(() => 'all', { name: 'all' })
        .summarise((a) => ({ half: a.sum((thing) => thing.size / 2) }))
        .map((sum, key) => ({ key, text: String(sum.half) }))
        .to(Rows),
    ),
  )
  driver.pipe(Things, thingSet('t', null, 1))
  expect(driver.failures[0]?.message).toMatch(/summary "all" was given 0.5 to sum/)
})
