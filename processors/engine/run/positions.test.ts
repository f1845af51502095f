import { expect, test } from 'vitest'
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
  expect([back.knows(1), back.knows(0)]).toEqual([true, false])
  expect(() => back.check([0, 1], ids, 'app')).not.toThrow()
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

test('a topic that was made again under the same name is named, with what to do', () => {
  const positions = new Positions()
  positions.commit(positions.changes(new Set([0]), topics, () => 1, ids))
  const now = new Map([...ids, ['b.events', 'another']])
  expect(() => positions.check([0], now, 'app')).toThrow(/"b.events" was deleted and made again.*app-state-changelog/s)
})
