import { expect, test } from 'vitest'
import { type ChildKey, describe as draw, plan, type Table, topology } from '../index.ts'
import { TaskSet } from '../run/tasks.ts'
import { MemoryStore } from '../state/memory.ts'
import { type PlaceSet, Places, type ThingSet, Things, toyRows } from '../testing/toys.ts'
import { storesOf } from './plan.ts'

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
    return (
      things
        .flatMap((thing) => [thing], { name: 'parts' })
        // The compiler refuses it, too; this is for who doesn't ask it.
        .leftJoin(places as never, { name: 'bad', select: (thing, _, key) => ({ key, text: String(thing.size) }) })
        .to(Rows)
    )
  })
  expect(() => plan(misplaced)).toThrow(/join "bad" needs the rows of "parts".*group them by a key first/)
})

test('children that are not where their key hashes to are refused by a combine, and by nobody once they are gathered', () => {
  const combined = (gathered: boolean) =>
    topology('combined', ({ events, combine }) => {
      const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event })
      const parts = things.flatMap((thing) => [thing], { name: 'parts' })
      const all = parts.backToParent({ name: 'all' }).summarise((a) => ({ size: a.sum((part) => part.size) }))
      const of = gathered ? all : (parts as never as typeof all)
      return combine({ things, of }, ({ of }, key) => ({ key, text: String(of?.size) }), { name: 'both' }).to(Rows)
    })
  expect(() => plan(combined(false))).toThrow(/combine "both" needs the rows of "parts"/)
  const planned = plan(combined(true))
  expect(planned.subTopologies).toHaveLength(1)
  expect(draw(planned)).toContain('both<br/>combine things, of')
  expect(draw(planned)).toContain('all<br/>summarise, back to parent')
  expect(draw(planned)).not.toContain('==>')
})

test('rows that no flatMap made have no parents to go back to', () => {
  const orphans = topology('orphans', ({ events }) =>
    (events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' }) as never as Children)
      .backToParent({ name: 'bad' })
      .summarise((a) => ({ n: a.count() }))
      .map((_, key) => ({ key, text: '' }))
      .to(Rows),
  )
  expect(() => plan(orphans)).toThrow(/summary "bad" takes the rows of "things" back to their parents, but no flatMap/)
})
type Children = Table<ChildKey<string>, ThingSet>

test('two operators of one name are refused: their state would mix', () => {
  const twice = topology('twice', ({ events }) => {
    const name = { name: 'same' }
    const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event }, name)
    return things.map((thing, key) => ({ key, text: String(thing.size) }), name).to(Rows)
  })
  expect(() => plan(twice)).toThrow(/topology "twice" has two operators named "same"/)
})

test('an operator named as another one keeps its state is refused: their state would mix', () => {
  const mixed = (name: string, other: string) =>
    topology('mixed', ({ events }) => {
      const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: other })
      const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event })
      return things
        .leftJoin(places, { name, on: (thing) => thing.place, select: (thing) => thing })
        .groupBy((thing) => thing.place, { name: 'sums' })
        .summarise((a) => ({ n: a.count() }))
        .map((sum, key) => ({ key, text: String(sum.n) }))
        .to(Rows)
    })
  expect(() => plan(mixed('j', 'j.left'))).toThrow(/operators "j.left" and "j" would both keep state as "j.left"/)
  expect(() => plan(mixed('j', 'sums.values'))).toThrow(/"sums.values" and "sums" would both/)
  expect(() => plan(mixed('j', 'j.failed'))).toThrow(/"j.failed" and "j" would both/)
  expect(() => plan(mixed('j', 'j.right'))).not.toThrow()
})

test('every store that operators open is among those that the plan compares', () => {
  const planned = plan(
    topology('stores', ({ events, table }) => {
      const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event })
      const kept = table({ ...Rows, partitions: Things.partitions }, (row) => row)
      return things
        .flatMap((thing) => [thing])
        .leftJoin(kept, { on: (thing) => thing.place, select: (thing) => thing })
        .groupBy((thing) => thing.place)
        .summarise((a) => ({ n: a.count() }))
        .outerJoin(kept, { select: (sum, _, key) => ({ key, text: String(sum?.n) }) })
        .to(Rows)
    }),
  )
  const opened: string[] = []
  const tasks = new TaskSet(
    planned,
    (_, name, options) => {
      opened.push(name)
      return new MemoryStore(name, options)
    },
    () => Buffer.alloc(0),
  )
  tasks.add(0)
  const compared = planned.nodes.flatMap(storesOf)
  expect(opened.filter((name) => !compared.includes(name))).toEqual([])
})

test('topics of different numbers of partitions are refused by name', () => {
  const uneven = topology('uneven', ({ events }) => {
    const things = events({ ...Things, partitions: 3 }).evolve<ThingSet>({ ThingSet: (_, event) => event })
    const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event })
    return things.leftJoin(places, { select: (thing, _, key) => ({ key, text: String(thing.size) }) }).to(Rows)
  })
  expect(() => plan(uneven)).toThrow(/topic "toy.things.events" has 3 partitions, "toy.places.events" has 4/)
})
