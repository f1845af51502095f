import { expect, test } from 'vitest'
import { topology } from '../index.ts'
import { drive } from '../testing/drive.ts'
import { type ThingSet, Things, thingSet, toyRows } from '../testing/toys.ts'

const Rows = toyRows('grouped')

/** All things in the groups they name, with every aggregate that looks at values. */
const grouped = (limit = 1_000) =>
  topology('grouped', ({ events }) =>
    events(Things)
      .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
      .groupBy((thing) => thing.place, { name: 'group' })
      .summarise((a) => {
        const size = (thing: ThingSet) => thing.size
        return {
          n: a.count(),
          least: a.min(size),
          greatest: a.max(size),
          kinds: a.countDistinct(size),
          top: a.top(2, { select: size, by: (of) => of }),
          odd: a.distinct((thing) => thing.size % 2),
          sum: a.sum(size),
          all: a.collect({ select: size, by: (of) => of, limit }),
        }
      })
      .map(({ all, ...figures }, key) => ({ key, text: JSON.stringify({ ...figures, all: all.length }) }))
      .to(Rows),
  )

test('a group grows far beyond what fits a record, shrinks again, and comes back from its changelog', () => {
  const many = 12_000
  const driver = drive(grouped(2 * many), { eager: false })
  const figures = () => JSON.parse(driver.table(Rows).get('g')?.text ?? 'null') as Record<string, unknown>
  // Sizes of 12 digits: a quarter of a megabyte a column.
  const size = (i: number) => 100_000_000_000 + i
  for (let i = 0; i < many; i++) driver.pipe(Things, thingSet(`t${i}`, 'g', size(i)))
  driver.drain()
  expect(figures()).toMatchObject({ n: many, least: size(0), greatest: size(many - 1), kinds: many, odd: [0, 1] })
  expect(driver.largestChange).toBeLessThan(200_000)
  driver.restart(0)

  driver.pipe(Things, thingSet('t0', 'other', 1))
  driver.erase(Things, `t${many - 1}`)
  driver.pipe(Things, thingSet('t5', 'g', size(7)))
  driver.drain()
  expect(figures()).toMatchObject({
    n: many - 2,
    least: size(1),
    greatest: size(many - 2),
    kinds: many - 3,
    top: [size(many - 2), size(many - 3)],
  })
  driver.restart(0)

  for (let i = 0; i < many; i++) driver.erase(Things, `t${i}`)
  driver.drain()
  expect([driver.table(Rows).size, driver.stateRows(), driver.failures]).toEqual([0, 0, []])
}, 60_000)

test('a sum beyond the exact numbers is refused by name, and is exact again once it is back among them', () => {
  const driver = drive(grouped())
  const large = Number.MAX_SAFE_INTEGER - 1
  driver.pipe(Things, thingSet('a', 'g', large))
  driver.pipe(Things, thingSet('other', 'h', 1))
  driver.pipe(Things, thingSet('b', 'g', large))
  driver.pipe(Things, thingSet('c', 'g', 3))
  expect([...driver.table(Rows).keys()]).toEqual(['h'])
  expect(driver.failures[0]).toMatchObject({ place: 'group', key: 'g' })
  expect(driver.failures[0]?.message).toMatch(/summary "group": a sum of 18014398509481980 in group "g" is beyond/)
  driver.restart(0)
  driver.erase(Things, 'a')
  driver.erase(Things, 'b')
  expect(JSON.parse(driver.table(Rows).get('g')?.text ?? '')).toMatchObject({ sum: 3 })
  expect(driver.mended).toEqual([expect.objectContaining({ operator: 'group', key: 'g' })])
})

test('a group whose row fits no record is a failure of its own, all others are written', () => {
  const driver = drive(
    topology('large', ({ events }) =>
      events(Things)
        .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
        .groupBy((thing) => thing.place, { name: 'group' })
        .summarise((a) => ({
          all: a.collect({ select: (thing) => 'x'.repeat(thing.size * 1_000) + thing.size, by: (of) => of }),
        }))
        .map(({ all }, key) => ({ key, text: all.join() }))
        .to(Rows),
    ),
  )
  for (let i = 1; i <= 5; i++) driver.pipe(Things, thingSet(`t${i}`, 'g', 300 + i))
  driver.pipe(Things, thingSet('other', 'h', 1))
  expect([...driver.table(Rows).keys()]).toEqual(['h'])
  expect(driver.failures.at(-1)).toMatchObject({ place: 'to-grouped.rows.1', key: 'g' })
  for (let i = 1; i <= 3; i++) driver.erase(Things, `t${i}`)
  expect([...driver.table(Rows).keys()].sort()).toEqual(['g', 'h'])
})

test('a value that fits no message costs its row only', () => {
  const driver = drive(
    topology('value', ({ events }) =>
      events(Things)
        .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
        .groupBy(() => 'all', { name: 'group' })
        .summarise((a) => ({ kinds: a.countDistinct((thing) => '"'.repeat(thing.size)) }))
        .map(({ kinds }, key) => ({ key, text: String(kinds) }))
        .to(Rows),
    ),
  )
  driver.pipe(Things, thingSet('a', null, 1))
  driver.pipe(Things, thingSet('b', null, 1_000_000))
  expect(driver.table(Rows).get('all')?.text).toBe('1')
  expect(driver.failures).toMatchObject([{ place: 'group', key: 'b' }])
})

test('rows of a group that are not where their group belongs cost themselves only', () => {
  const driver = drive(
    topology('apart', ({ events }) =>
      events(Things)
        .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
        .groupBy((thing) => thing.place, { name: 'group', colocated: true })
        .summarise((a) => ({ n: a.count() }))
        .map(({ n }, key) => ({ key, text: String(n) }))
        .to(Rows),
    ),
  )
  driver.pipe(Things, thingSet('a', 'a'))
  for (const key of ['b', 'c', 'd', 'e']) driver.pipe(Things, thingSet(key, 'a'))
  expect(Number(driver.table(Rows).get('a')?.text)).toBe(5 - driver.failures.length)
  expect(driver.failures[0]?.message).toMatch(/marked colocated, but group "a" belongs to partition/)
})
