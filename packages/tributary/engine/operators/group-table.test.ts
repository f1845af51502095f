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

const children = topology('children', ({ events }) =>
  events(Things)
    .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
    .flatMap((thing) => Array.from({ length: thing.size }, (_, i) => i), { by: (i) => i })
    .flatMap((i) => [i, i + 10])
    .backToParent({ name: 'children' })
    .summarise((a) => ({ sum: a.sum((i) => i) }))
    .backToParent({ name: 'parents' })
    .summarise((a) => ({ all: a.collect({ select: ({ sum }) => sum, by: (sum) => sum }) }))
    .map(({ all }, key) => ({ key, text: all.join() }))
    .to(Rows),
)

test('children are gathered where their parents are: nothing is sent', () => {
  const driver = drive(children, { workers: 4, eager: false })
  const keys = ['a', 'b', 'c', 'd', 'e', 'f\u0000g', '']
  for (const key of keys) driver.pipe(Things, thingSet(key, null, 2))
  for (let worker = 0; worker < 4; worker++) driver.epoch(worker, 100)
  expect([...driver.table(Rows)].map(([key, { text }]) => [key, text]).sort()).toEqual(
    keys.map((key) => [key, '10,12']).sort(),
  )
  driver.pipe(Things, thingSet('a', null, 1))
  driver.erase(Things, 'b')
  for (let worker = 0; worker < 4; worker++) driver.epoch(worker, 100)
  expect([driver.table(Rows).get('a')?.text, driver.table(Rows).get('b'), driver.failures]).toEqual([
    '10',
    undefined,
    [],
  ])
})

test("a group's row has the parts of its key, as they were, and they come back from the changelog", () => {
  const driver = drive(
    topology('parts', ({ events }) =>
      events(Things)
        .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
        .groupBy(({ place, size }) => ({ place, size, large: size > 1 }), { name: 'group' })
        .summarise((a) => ({ n: a.count() }))
        .map((row, key) => ({ key, text: JSON.stringify(row) }))
        .to(Rows),
    ),
  )
  const rows = () => [...driver.table(Rows).values()].map(({ text }) => JSON.parse(text) as unknown)
  driver.pipe(Things, thingSet('a', '1', 1))
  driver.pipe(Things, thingSet('b', null, 2))
  expect(rows()).toEqual([
    { place: '1', size: 1, large: false, n: 1 },
    { place: null, size: 2, large: true, n: 1 },
  ])
  driver.restart(0)
  driver.pipe(Things, thingSet('c', '1', 1))
  driver.erase(Things, 'b')
  expect(rows()).toEqual([{ place: '1', size: 1, large: false, n: 2 }])
})

test('parts named in another order are the same group, and what is made of its row is taken away as it was added', () => {
  const driver = drive(
    topology('ordered', ({ events }) =>
      events(Things)
        .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
        .groupBy(({ place, size }) => (size > 1 ? { odd: size % 2, place } : { place, odd: size % 2 }), {
          name: 'group',
        })
        .summarise((a) => ({ n: a.count() }))
        .groupBy(() => 'all', { name: 'all' })
        .summarise((a) => ({ rows: a.collect({ select: (row) => row, by: ({ n }) => n }) }))
        .map(({ rows }, key) => ({ key, text: JSON.stringify(rows) }))
        .to(Rows),
    ),
    { eager: false },
  )
  // One goes and another one comes, in one epoch: the row is the same.
  const keys = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const [i, key] of keys.entries()) {
    if (i > 0) driver.erase(Things, keys[i - 1]!)
    driver.pipe(Things, thingSet(key, 'x', i % 2 === 0 ? 1 : 3))
    driver.drain()
    expect(JSON.parse(driver.table(Rows).get('all')?.text ?? '')).toEqual([{ place: 'x', odd: 1, n: 1 }])
  }
  driver.erase(Things, 'f')
  driver.drain()
  expect([driver.table(Rows).size, driver.stateRows()]).toEqual([0, 0])
})

test('a group that is a record is written under the key it is told to be, and is sent nowhere', () => {
  const key = ({ place, even }: { place: string; even: boolean }) => `${even ? 'even' : 'odd'}/${place}`
  const driver = drive(
    topology('keyed', ({ events }) =>
      events(Things)
        .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
        .groupBy(({ place, size }) => (place === null ? null : { place, even: size % 2 === 0 }), { name: 'group', key })
        .summarise((a) => ({ n: a.count() }))
        .map(({ place, even, n }) => ({ key: key({ place, even }), text: String(n) }))
        .to(Rows),
    ),
    { workers: 4 },
  )
  for (const id of ['a', 'b', 'c']) driver.pipe(Things, thingSet(id, 'x', 2))
  driver.pipe(Things, thingSet('c', 'x', 1))
  expect([...driver.table(Rows)].map(([key, { text }]) => [key, text])).toEqual([
    ['even/x', '2'],
    ['odd/x', '1'],
  ])
  expect(driver.stateRows('to-grouped.rows.1')).toBe(0)
})

test('of groups that are written as one key the least stands; the others are failures until it is theirs', () => {
  const driver = drive(
    topology('colliding', ({ events }) =>
      events(Things)
        .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
        .groupBy(({ place, size }) => ({ place, size }), { name: 'group', key: ({ place }) => `${place}` })
        .summarise((a) => ({ n: a.count() }))
        .map(({ size, n }, key) => ({ key, text: `${size}: ${n}` }))
        .to(Rows),
    ),
    { workers: 4 },
  )
  const shown = () => driver.table(Rows).get('x')?.text
  driver.pipe(Things, thingSet('a', 'x', 2))
  driver.pipe(Things, thingSet('b', 'x', 2))
  expect([shown(), driver.failures]).toEqual(['2: 2', []])

  // It came later, and is less than the one that was there.
  driver.pipe(Things, thingSet('c', 'x', 1))
  driver.pipe(Things, thingSet('d', 'x', 3))
  expect(shown()).toBe('1: 1')
  expect(driver.failures.map(({ place, key, message }) => [place, key, message])).toEqual([
    [
      'group',
      'x',
      'groups {"place":"x","size":1} and {"place":"x","size":2} of summary "group" are both written as the key "x": ' +
        'the first one is in the table. Let "key" write different groups differently',
    ],
    ['group', 'x', expect.stringContaining('{"place":"x","size":1} and {"place":"x","size":3}')],
  ])
  for (let worker = 0; worker < 4; worker++) driver.restart(worker)

  // What changes of a group that doesn't stand is counted all the same.
  driver.pipe(Things, thingSet('b', 'y', 2))
  expect(shown()).toBe('1: 1')
  driver.erase(Things, 'c')
  expect(shown()).toBe('2: 1')
  expect(driver.mended).toEqual([])
  driver.erase(Things, 'd')
  expect(driver.mended.map(({ operator, key }) => [operator, key])).toEqual([['group', 'x']])
  driver.erase(Things, 'a')
  expect(shown()).toBeUndefined()
  driver.erase(Things, 'b')
  expect(driver.stateRows('group')).toBe(0)
})

test('also groups that grew beyond a record keep apart', () => {
  const driver = drive(
    topology('colliding', ({ events }) =>
      events(Things)
        .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
        .groupBy(({ size }) => ({ even: size % 2 === 0 }), { name: 'group', key: () => 'one' })
        .summarise((a) => ({ places: a.countDistinct(({ place }) => place) }))
        .map(({ even, places }, key) => ({ key, text: `${even}: ${places}` }))
        .to(Rows),
    ),
  )
  const wide = (name: string, size: number, places: number) => {
    for (let i = 0; i < places; i++) driver.pipe(Things, thingSet(`${name}${i}`, `${i}`.padStart(10_000), size))
  }
  wide('even', 2, 10)
  wide('odd', 1, 8)
  expect(driver.table(Rows).get('one')?.text).toBe('false: 8')
  for (let i = 0; i < 8; i++) driver.erase(Things, `odd${i}`)
  expect(driver.table(Rows).get('one')?.text).toBe('true: 10')
  for (let i = 0; i < 10; i++) driver.erase(Things, `even${i}`)
  expect(driver.stateRows('group')).toBe(0)
})

test('a group whose key is a text that looks like a record stays a text', () => {
  const driver = drive(grouped())
  driver.pipe(Things, thingSet('a', '{"n":7,"place":"x"}', 1))
  expect(JSON.parse(driver.table(Rows).get('{"n":7,"place":"x"}')?.text ?? '')).toMatchObject({ n: 1 })
  expect(JSON.parse(driver.table(Rows).get('{"n":7,"place":"x"}')?.text ?? '')).not.toHaveProperty('place')
})
