import { describe, expect, test } from 'vitest'
import { topology } from '../index.ts'
import { type Driver, drive } from '../testing/drive.ts'
import { type PlaceSet, Places, placeSet, type ThingSet, Things, thingSet, toyRows } from '../testing/toys.ts'

const Rows = toyRows('joined')

const joined = topology('joined', ({ events }) => {
  const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event })
  const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event })
  return things
    .leftJoin(places, {
      name: 'join',
      on: (thing) => thing.place,
      select: (thing, place, key) => ({ key, text: `${thing.size}@${place?.label ?? '?'}` }),
    })
    .to(Rows)
})

/** Four workers with a partition each, so that what crosses partitions takes a round trip. */
const apart = () => drive(joined, { workers: 4, eager: false })

/** One epoch of every worker: one hop of every message. */
function hop(driver: Driver): void {
  for (let worker = 0; worker < 4; worker++) driver.epoch(worker, 100)
}
const textOf = (driver: Driver, key: string) => driver.table(Rows).get(key)?.text

describe('a join by foreign key', () => {
  test('in one worker costs no round trip: one record comes out', () => {
    const driver = drive(joined, { eager: false })
    driver.pipe(Things, thingSet('t', 'home', 1))
    driver.pipe(Places, placeSet('home', 'Home'))
    driver.epoch(0, 100)
    expect(driver.read(Rows)).toEqual([{ key: 't', row: { key: 't', text: '1@Home' } }])
  })

  test('follows both sides', () => {
    const driver = drive(joined)
    driver.pipe(Things, thingSet('t', 'home', 1))
    expect(textOf(driver, 't')).toBe('1@?')
    driver.pipe(Places, placeSet('home', 'Home'))
    expect(textOf(driver, 't')).toBe('1@Home')
    driver.pipe(Places, placeSet('home', 'Sweet home'))
    expect(textOf(driver, 't')).toBe('1@Sweet home')
    driver.erase(Places, 'home')
    expect(textOf(driver, 't')).toBe('1@?')
    driver.erase(Things, 't')
    expect(driver.table(Rows).size).toBe(0)
  })

  test('keeps a row shown as it was while the answer to its new key is under way', () => {
    const driver = apart()
    driver.pipe(Places, placeSet('home', 'Home'))
    driver.pipe(Places, placeSet('work', 'Work'))
    driver.pipe(Things, thingSet('t', 'home', 1))
    driver.drain()
    driver.read(Rows)

    driver.pipe(Things, thingSet('t', 'work', 2))
    driver.drain()
    expect(driver.read(Rows).map(({ row }) => row?.text)).toEqual(['2@Work'])
  })

  test('shows a row that names another key faster than the round trip', () => {
    const driver = apart()
    driver.pipe(Things, thingSet('t', 'home', 0))
    driver.drain()
    // Every hop a new key: no answer is ever current, yet the row must come out.
    const shown = new Set<string | undefined>()
    for (let i = 1; i <= 6; i++) {
      driver.pipe(Things, thingSet('t', `place-${i}`, i))
      hop(driver)
      shown.add(textOf(driver, 't'))
    }
    expect(shown.size).toBeGreaterThan(2)
  })

  test('takes its own changes over at once, without asking again', () => {
    const driver = apart()
    driver.pipe(Places, placeSet('home', 'Home'))
    driver.pipe(Things, thingSet('t', 'home', 1))
    driver.drain()
    driver.pipe(Things, thingSet('t', 'home', 2))
    hop(driver)
    expect(textOf(driver, 't')).toBe('2@Home')
  })

  test('leaves no subscription behind when a row names another key or goes', () => {
    const driver = drive(joined)
    for (const place of ['home', 'work', 'home', 'park']) driver.pipe(Things, thingSet('t', place))
    expect(driver.stateRows('join.subscriptions')).toBe(1)
    driver.erase(Things, 't')
    expect(driver.stateRows('join.subscriptions')).toBe(0)
  })
})
