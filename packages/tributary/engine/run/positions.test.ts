import { expect, test } from 'vitest'
import { readStamp } from '#runtime/stamp'
import { Positions } from './positions.ts'

const ids = new Map([
  ['a.events', 'id-a'],
  ['b.events', 'id-b'],
])
const topics = [...ids.keys()]

test('positions and ids of topics come back from the changelog as they were written', () => {
  const positions = new Positions()
  const changes = positions.changes(new Set([1]), topics, (topic) => (topic === 'a.events' ? 7 : 9), ids)
  const back = new Positions()
  for (const { partition, key, value } of changes) expect(back.load(partition, key, value)).toBe(true)
  expect([back.of(1, 'a.events'), back.of(1, 'b.events'), back.of(0, 'a.events')]).toEqual([7, 9, undefined])
  expect(back.madeAnew(topics, stamps(0, 1), ids)).toEqual([])
  expect(back.load(1, 'things\u0000t1', '{}')).toBe(false)
})

test('ids are written once, and again when a topic comes to them', () => {
  const positions = new Positions()
  const write = (known: ReadonlyMap<string, string>) => {
    const changes = positions.changes(new Set([0]), [...known.keys()], () => 1, known)
    positions.commit(changes)
    return changes.map(({ key }) => key)
  }
  expect(write(ids)).toEqual(['!positions', '!topics'])
  expect(write(ids)).toEqual(['!positions'])
  expect(write(new Map([...ids, ['c.events', 'id-c']]))).toEqual(['!positions', '!topics'])
})

/** Of an older format: they name no topic. */
const stamps = (...partitions: readonly number[]) => new Map(partitions.map((p) => [p, readStamp('ab12-7')]))
const options = { app: 'app', command: 'npx reset app' }

test('an input that was made again under the same name is named, with what to do, and who writes it first', () => {
  const positions = new Positions()
  positions.commit(positions.changes(new Set([0]), topics, () => 1, ids))
  const now = new Map([...ids, ['b.events', 'another']])
  const inputs = (writer?: string) => new Map(topics.map((topic) => [topic, writer]))
  expect(() => positions.check(inputs(), stamps(0), ids, options)).not.toThrow()
  expect(() => positions.check(inputs(), stamps(0), now, options)).toThrow(
    /"b.events" was deleted and made again.*npx reset app/s,
  )
  expect(() => positions.check(inputs('things'), stamps(0), now, options)).toThrow(/first.*"things".*npx reset app/s)
})

test('an output that was made again is told, until its rows are written to it; of one never heard of nothing is said', () => {
  const positions = new Positions()
  const commit = (known: ReadonlyMap<string, string>) =>
    positions.commit(positions.changes(new Set([0]), topics, () => 1, known))
  const now = new Map([...ids, ['out.rows.1', 'second']])
  commit(ids)
  expect(positions.madeAnew(['out.rows.1'], stamps(0), now)).toEqual([])
  commit(new Map([...ids, ['out.rows.1', 'first']]))
  expect(positions.madeAnew(['out.rows.1'], stamps(0), now)).toEqual(['out.rows.1'])
  commit(new Map([...ids, ['out.rows.1', '']]))
  expect(positions.madeAnew(['out.rows.1'], stamps(0), now)).toEqual(['out.rows.1'])
  commit(now)
  expect(positions.madeAnew(['out.rows.1'], stamps(0), now)).toEqual([])
})

test('a stamp tells it, too, of topics that the state says nothing of', () => {
  const stamped = new Map([[0, { commit: 'ab12-7', topics: new Map([['app-state-changelog', 'first']]) }]])
  const now = (id: string) => new Map([['app-state-changelog', id]])
  expect(new Positions().madeAnew(['app-state-changelog'], stamped, now('first'))).toEqual([])
  expect(new Positions().madeAnew(['app-state-changelog'], stamped, now('second'))).toEqual(['app-state-changelog'])
})
