import { expect, test } from 'vitest'
import { describe as draw, plan, topology } from '#engine'
import { type PlaceSet, Places, type ThingSet, Things, toyRows } from '../testing/toys.ts'

const Rows = toyRows('planned')

test('a topology is cut where rows cross to other partitions', () => {
  const planned = plan(
    topology('cut', ({ events }) => {
      const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
      return things
        .groupBy((thing) => thing.place, { name: 'sums' })
        .summarise((a) => ({ n: a.count() }))
        .map((sum, key) => ({ key, text: String(sum.n) }))
        .to(Rows)
    }),
  )
  expect(planned.subTopologies.map((part) => part.map((node) => node.name))).toEqual([
    ['things'],
    ['sums', 'sums-map', 'to-planned.rows.1'],
  ])
  expect(draw(planned)).toContain('==>|by group|')
})

test('a join by key of rows that are not where their key hashes to is refused by name', () => {
  const misplaced = topology('misplaced', ({ events }) => {
    const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event })
    const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event })
    return things
      .flatMap((thing) => [['1', thing] as const], { name: 'parts' })
      .leftJoin(places, { name: 'bad', select: (thing, _, key) => ({ key, text: String(thing.size) }) })
      .to(Rows)
  })
  expect(() => plan(misplaced)).toThrow(/join "bad" needs the rows of "parts".*group them by a key first/)
})

test('two operators of one name are refused: their state would mix', () => {
  const twice = topology('twice', ({ events }) => {
    const name = { name: 'same' }
    const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event }, name)
    return things.map((thing, key) => ({ key, text: String(thing.size) }), name).to(Rows)
  })
  expect(() => plan(twice)).toThrow(/topology "twice" has two operators named "same"/)
})

test('topics of different numbers of partitions are refused by name', () => {
  const uneven = topology('uneven', ({ events }) => {
    const things = events({ ...Things, partitions: 3 }).evolve<ThingSet>({ ThingSet: (_, event) => event })
    const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event })
    return things.leftJoin(places, { select: (thing, _, key) => ({ key, text: String(thing.size) }) }).to(Rows)
  })
  expect(() => plan(uneven)).toThrow(/topic "toy.things.events" has 3 partitions, "toy.places.events" has 4/)
})
