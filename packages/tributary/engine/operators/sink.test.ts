import { expect, test } from 'vitest'
import { topology } from '../index.ts'
import { type Driver, drive } from '../testing/drive.ts'
import { type ThingSet, Things, thingSet, toyRows } from '../testing/toys.ts'
import { MOST_REWRITTEN } from './sink.ts'

const Rows = toyRows('keyed')

/** Things keyed by the place they name. */
const keyed = topology('keyed', ({ events }) =>
  events(Things)
    .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
    .map((thing, key) => ({ key: thing.place ?? key, text: key }))
    .to(Rows),
)
const table = (driver: Driver) => Object.fromEntries([...driver.table(Rows)].map(([key, { text }]) => [key, text]))

test.each([1, 4])('two rows that swap their output keys within one epoch both stay, with %i workers', (workers) => {
  const driver = drive(keyed, { workers, eager: false })
  driver.pipe(Things, thingSet('a', 'x'))
  driver.pipe(Things, thingSet('b', 'y'))
  driver.drain()
  driver.pipe(Things, thingSet('a', 'y'))
  driver.pipe(Things, thingSet('b', 'x'))
  driver.drain()
  expect(table(driver)).toEqual({ x: 'b', y: 'a' })
})

test('a row leaves its output key to the row that has it now, in whatever order they come', () => {
  for (const order of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    const driver = drive(keyed, { eager: false })
    driver.pipe(Things, thingSet('a', 'x'))
    driver.pipe(Things, thingSet('b', 'y'))
    driver.drain()
    for (const key of order) driver.pipe(Things, key === 'a' ? thingSet('a', 'z') : thingSet('b', 'x'))
    driver.drain()
    expect(table(driver)).toEqual({ x: 'b', z: 'a' })
  }
})

test('of rows that claim one output key the least stands, the others are failures until it is theirs', () => {
  const driver = drive(keyed)
  driver.pipe(Things, thingSet('c', 'x'))
  driver.pipe(Things, thingSet('b', 'x'))
  expect(table(driver)).toEqual({ x: 'b' })
  expect(driver.failures.map(({ key }) => key)).toEqual(['c'])
  expect(driver.failures[0]?.message).toMatch(/rows "b" and "c" have the same key "x" in topic "keyed.rows.1"/)
  // The row whose own key it is comes before all others.
  driver.pipe(Things, thingSet('x', null))
  expect(table(driver)).toEqual({ x: 'x' })
  driver.erase(Things, 'x')
  driver.erase(Things, 'b')
  expect(table(driver)).toEqual({ x: 'c' })
  expect(new Set(driver.mended.map(({ key }) => key))).toEqual(new Set(['b', 'c']))
  driver.erase(Things, 'c')
  expect([driver.table(Rows).size, driver.stateRows()]).toEqual([0, 0])
})

test('a row under its own key keeps nothing in state', () => {
  const driver = drive(keyed)
  driver.pipe(Things, thingSet('a', null))
  expect([driver.stateRows('to-'), driver.stateRows()]).toEqual([0, 1])
})

test('a key function that throws, or gives no text, costs its row only', () => {
  const bad = { ...Rows, key: (row: { text: string }) => (row.text === 'b' ? (undefined as never) : row.text) }
  const driver = drive(
    topology('bad', ({ events }) =>
      events(Things)
        .evolve<ThingSet>({ ThingSet: (_, event) => event })
        .map((_, key) => ({ key, text: key }))
        .to(bad),
    ),
  )
  for (const key of ['a', 'b', 'c']) driver.pipe(Things, thingSet(key, null))
  expect(Object.keys(table(driver))).toEqual(['a', 'c'])
  expect(driver.failures).toEqual([
    { place: 'to-keyed.rows.1', key: 'b', message: 'the key of topic "keyed.rows.1" gave undefined, not a text' },
  ])
})

test('a topic that was made anew gets every row again, however many epochs that takes, and no tombstones', () => {
  const driver = drive(keyed, { workers: 2, eager: false })
  const many = 4 * MOST_REWRITTEN + 4_000
  for (let i = 0; i < many; i++) driver.pipe(Things, thingSet(`k${i}`, i % 5 === 0 ? `as ${i}` : null))
  driver.pipe(Things, thingSet('loser', 'k1'))
  driver.drain()
  driver.erase(Things, 'k2')
  driver.drain()
  const before = table(driver)
  driver.read(Rows)
  driver.replace(Rows)
  expect(driver.table(Rows).size).toBe(0)
  // What changes while rows are written again is as it was changed.
  driver.epoch(0, 1)
  driver.pipe(Things, thingSet('k3', 'moved'))
  driver.drain()
  const { k3, ...rest } = before
  expect(k3).toBe('k3')
  expect(table(driver)).toEqual({ ...rest, moved: 'k3' })
  expect(
    driver
      .read(Rows)
      .filter(({ row }) => row === null)
      .map(({ key }) => key),
  ).toEqual(['k3'])
  expect(driver.failures).toHaveLength(1)
})
