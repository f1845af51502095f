import { expect, test } from 'vitest'
import { topology } from '../index.ts'
import { drive } from '../testing/drive.ts'
import { type ThingSet, Things, thingSet, toyRows } from '../testing/toys.ts'

const Rows = toyRows('mended')

let broken = true
const sums = topology('mended', ({ events }) =>
  events(Things)
    .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
    .groupBy(() => 'all', { name: 'all' })
    .summarise((a) => ({
      sum: a.sum((thing) => {
        if (broken && thing.size === 13) throw new Error('thirteen')
        return thing.size
      }),
      n: a.count(),
    }))
    .map(({ n, sum }, key) => ({ key, text: `${n}:${sum}` }))
    .to(Rows),
)

test('what a failed row never added is not taken away once the function is mended', () => {
  broken = true
  const driver = drive(sums)
  driver.pipe(Things, thingSet('a', null, 2))
  driver.pipe(Things, thingSet('b', null, 13))
  expect(driver.table(Rows).get('all')?.text).toBe('1:2')
  broken = false
  driver.restart(0)
  driver.pipe(Things, thingSet('b', null, 15))
  expect(driver.table(Rows).get('all')?.text).toBe('2:17')
  expect(driver.mended).toEqual([expect.objectContaining({ operator: 'all', key: 'b' })])
  expect(driver.retry('all', 'b')).toBe(false)
})

test('a failed row can be worked on again, and comes back once its function is mended', () => {
  broken = true
  const driver = drive(sums)
  driver.pipe(Things, thingSet('b', null, 13))
  expect(driver.retry('all', 'b')).toBe(true)
  expect([driver.failures.length, driver.mended.length]).toEqual([2, 0])
  broken = false
  expect(driver.retry('all', 'b')).toBe(true)
  expect(driver.table(Rows).get('all')?.text).toBe('1:13')
  expect(driver.mended).toHaveLength(1)
})

test('a failed row that goes is told of as mended', () => {
  broken = true
  const driver = drive(sums)
  driver.pipe(Things, thingSet('b', null, 13))
  driver.erase(Things, 'b')
  expect(driver.mended).toEqual([expect.objectContaining({ operator: 'all', key: 'b' })])
  expect(driver.stateRows()).toBe(0)
})
