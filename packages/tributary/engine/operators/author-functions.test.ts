import { describe, expect, test } from 'vitest'
import { type Sink, type Sources, type Topology, topology } from '../index.ts'
import { type Driver, drive } from '../testing/drive.ts'
import { Places, placeSet, type ThingSet, Things, thingSet, toyRows } from '../testing/toys.ts'

/**
 * Whatever a function of a topology does for one row, in whatever operator, costs that row only: it becomes a failure,
 * its output is removed, and it comes back when the function works again or the row changes.
 */
const Rows = toyRows('authored')
const Kept = toyRows('kept')

const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic
const throwing = (error: unknown) => () => {
  throw error
}
const misdeeds: Readonly<Record<string, () => unknown>> = {
  'throws an error': throwing(new Error('no')),
  'throws nothing': throwing(undefined),
  'throws an object without a text': throwing(Object.create(null)),
  'throws an error whose message throws': throwing(
    Object.defineProperty(new Error(), 'message', { get: throwing(new Error('no')) }),
  ),
  'gives a promise': () => Promise.resolve('x'),
  'gives NaN': () => Number.NaN,
  'gives Infinity': () => Number.POSITIVE_INFINITY,
  'gives a BigInt': () => 1n,
  'gives a Date': () => new Date(0),
  'gives a Map': () => new Map(),
  'gives a function': () => () => 1,
  'gives a symbol': () => Symbol('x'),
  'gives data that contains itself': () => cyclic,
  'gives megabytes': () => '"'.repeat(2_000_000),
}

/** What the function under test does for the row of size 13. */
let misdeed: (() => unknown) | undefined
const or = <T>(size: number | undefined, made: () => T): T => (size === 13 && misdeed ? (misdeed() as T) : made())

type Things_ = import('../dsl/table.ts').Table<string, ThingSet>
const on = (make: (things: Things_, places: Things_, sources: Sources) => { to(topic: typeof Rows): Sink }): Topology =>
  topology('authored', (sources) => {
    const { events } = sources
    const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
    const places = events(Places).evolve<ThingSet>(
      { PlaceSet: (_, { label }) => ({ place: label, size: 1 }) },
      { name: 'places' },
    )
    return make(things, places, sources).to(Rows)
  })
const row = (t: ThingSet, key: string) => ({ key, text: String(t.size) })

/** Each makes the row `{key, text: size}` of a thing, with one function that may do wrong. */
const functions: Readonly<Record<string, Topology>> = {
  'a map': on((things) => things.map((t, key) => or(t.size, () => row(t, key)))),
  'a field of a map': on((things) => things.map((t, key) => ({ key, text: or(t.size, () => String(t.size)) }))),
  'the key of a child': on((things) =>
    things
      .flatMap((t, key) => [{ size: t.size, ...row(t, key) }], { by: ({ size }) => or(size, () => 'one') })
      .map(({ key, text }) => ({ key, text })),
  ),
  'the select of a combine': on((things, places, { combine }) =>
    combine({ things, places }, (parts, key) =>
      or(parts.things?.size, () => (parts.things ? row(parts.things, key) : null)),
    ),
  ),
  'a part of a group that is a record': on((things) =>
    things
      .map((t, key) => ({ ...t, key }))
      .groupBy(({ key, size }) => ({ key, of: or(size, () => 'one') }))
      .summarise((a) => ({ size: a.max((t) => t.size) }))
      .map(({ key, size }) => ({ key, text: String(size) })),
  ),
  'what children are gathered by': on((things) =>
    things
      .flatMap((t) => [t])
      .backToParent()
      .summarise((a) => ({ size: a.sum((t) => or(t.size, () => t.size)) }))
      .map(({ size }, key) => ({ key, text: String(size) })),
  ),
  'the select of a join': on((things, places) =>
    things.leftJoin(places, { select: (t, _, key) => or(t.size, () => row(t, key)) }),
  ),
  'the foreign key of a join': on((things, places) =>
    things.leftJoin(places, { on: (t) => or(t.size, () => t.place), select: (t, _, key) => row(t, key) }),
  ),
  'the select of a join by foreign key': on((things, places) =>
    things.leftJoin(places, { on: (t) => t.place, select: (t, _, key) => or(t.size, () => row(t, key)) }),
  ),
  'the right side of a join by foreign key': on((things, places) =>
    things
      .map((t, key) => ({ ...t, key, part: key }))
      .join(
        things.map((t) => ({ ...t, odd: or(t.size, () => 'x') })),
        { on: (t) => t.part, select: (_, right, key) => ({ ...row(right, key), odd: right.odd }) },
      )
      .leftJoin(places, { select: (joined) => joined }),
  ),
  'a group': on((things) =>
    things
      .map((t, key) => ({ ...t, key }))
      .groupBy((t) => or(t.size, () => t.key))
      .summarise((a) => ({ size: a.max((t) => t.size) }))
      .map(({ size }, key) => ({ key, text: String(size) })),
  ),
  'a sum': on((things) =>
    things
      .map((t, key) => ({ ...t, key }))
      .groupBy((t) => t.key)
      .summarise((a) => ({ size: a.sum((t) => or(t.size, () => t.size)) }))
      .map(({ size }, key) => ({ key, text: String(size) })),
  ),
  'what is collected': on((things) =>
    things
      .map((t, key) => ({ ...t, key }))
      .groupBy((t) => t.key)
      .summarise((a) => ({ all: a.collect({ select: (t) => or(t.size, () => t.size), by: (of) => of }) }))
      .map(({ all }, key) => ({ key, text: String(all[0]) })),
  ),
  'a row of the topic': on((things) => things.map((t, key) => ({ key, text: or(t.size, () => String(t.size)) }))),
}

const table = (driver: Driver) =>
  Object.fromEntries([...driver.table(Rows)].map(([key, { text }]) => [key, text]).sort())

describe.each(Object.entries(functions))('%s', (_, topology) => {
  test.each(Object.entries(misdeeds))('that %s costs its row only, until it is mended', (_, wrong) => {
    misdeed = undefined
    const driver = drive(topology, { workers: 2 })
    driver.pipe(Places, placeSet('p', 'P'))
    for (const key of ['a', 'b', 'c']) driver.pipe(Things, thingSet(key, 'p', 1))
    expect(table(driver)).toEqual({ a: '1', b: '1', c: '1' })

    misdeed = wrong
    driver.pipe(Things, thingSet('b', 'p', 13))
    driver.pipe(Things, thingSet('c', 'p', 2))
    expect(table(driver)).toEqual({ a: '1', c: '2' })
    expect(driver.failures.length).toBeGreaterThan(0)

    misdeed = undefined
    for (const worker of [0, 1]) driver.restart(worker)
    for (const { place, key } of [...driver.failures]) driver.retry(place, key)
    expect(table(driver)).toEqual({ a: '1', b: '13', c: '2' })

    driver.erase(Things, 'b')
    expect(table(driver)).toEqual({ a: '1', c: '2' })
  })
})

test('a row of a topic that `keep` failed for is kept aside, and comes back without being written again', () => {
  let broken = true
  const driver = drive(
    topology('kept', ({ table }) =>
      table(
        Kept,
        (row) => {
          if (broken) throw new Error('no')
          return row
        },
        { name: 'kept' },
      ).to(Rows),
    ),
  )
  driver.pipe(Kept, { key: 'a', text: 'x' })
  expect([driver.table(Rows).size, driver.failures.length]).toEqual([0, 1])
  broken = false
  driver.restart(0)
  expect(driver.retry('kept', 'a')).toBe(true)
  expect(driver.table(Rows).get('a')?.text).toBe('x')
  expect(driver.stateRows('kept.failed')).toBe(0)
})
