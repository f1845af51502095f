import { expect, test } from 'vitest'
import { type Sink, type Table, topology } from '../index.ts'
import { drive } from '../testing/drive.ts'
import { type PlaceSet, Places, placeSet, type ThingSet, Things, thingSet, toyRows } from '../testing/toys.ts'
import { hopsOf } from './hops.ts'
import { plan } from './plan.ts'

const Rows = toyRows('hops')
const Far = toyRows('far')

type Make = (things: Table<string, ThingSet>, places: Table<string, PlaceSet>) => Sink | readonly Sink[]
const of = (make: Make) =>
  topology('hops', ({ events }) =>
    make(
      events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event }),
      events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event }),
    ),
  )
const hops = (make: Make) => {
  const planned = plan(of(make))
  return Object.fromEntries(planned.sinks.map((sink) => [sink.topic.readModel, hopsOf(planned, sink)]))
}

const figures: Make = (things) =>
  things
    .groupBy((t) => t.place)
    .summarise((a) => ({ n: a.count() }))
    .map(({ n }, key) => ({ key, text: `${n}` }))
    .to(Rows)
const elsewhere: Make = (things, places) =>
  things
    .leftJoin(places, { on: (t) => t.place, select: (t, p) => ({ size: t.size, label: p?.label ?? '?' }) })
    .map(({ size, label }, key) => ({ key: `${label}${size}`, text: key }))
    .to(Far)

test('a row may be sent once where its record has another key, groups cross once, a foreign key there and back', () => {
  expect(hops((things) => things.map((t, key) => ({ key, text: `${t.size}` })).to(Rows))).toEqual({ hops: 1 })
  expect(hops(figures)).toEqual({ hops: 2 })
  expect(hops(elsewhere)).toEqual({ far: 3 })
})

test('children that go back to their parents cross nowhere', () => {
  const own: Make = (things) =>
    things
      .flatMap((t) => [t.size])
      .backToParent()
      .summarise((a) => ({ n: a.count() }))
      .map(({ n }, key) => ({ key, text: `${n}` }))
      .to(Rows)
  expect(hops(own)).toEqual({ hops: 1 })
})

test('each topic that is written has its own, whatever it takes to write another', () => {
  expect(hops((...tables) => [figures(...tables), elsewhere(...tables)].flat())).toEqual({ hops: 2, far: 3 })
})

test('a change is written after as many rounds of messages between workers, whoever is quicker', () => {
  const driver = drive(of(elsewhere), { workers: 4, eager: false })
  const ups = [0, 1, 2, 3]
  // Who is slow in one round is quick in the next one: so no worker sees in a round what another one sent in it.
  const rounds = (first: readonly number[]) => {
    let n = 0
    for (let order = first; order.map((worker) => driver.epoch(worker, 100)).includes(true); order = order.toReversed())
      n++
    return n
  }
  let most = 0
  for (let i = 0; i < 40; i++) {
    driver.pipe(Places, placeSet(`p${i}`, `label ${i}`))
    driver.pipe(Things, thingSet(`t${i}`, `p${i}`, i))
    most = Math.max(most, rounds(i % 2 ? ups : ups.toReversed()))
    expect(driver.table(Far).size).toBe(i + 1)
  }
  // The first round takes the records in; each hop is worked off in another one.
  expect(most).toBe(1 + 3)
})
