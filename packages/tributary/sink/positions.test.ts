import { expect, test } from 'vitest'
import { noteOf, type Position, strangeTo } from './positions.ts'

const index = { index: 'orders-1', id: 'uuid/history', notes: 3 }
const extent = new Map([[0, { low: 5n, high: 100n }]])
const at = (offset: bigint, of?: { index: string; notes: number }): Map<number, Position> =>
  new Map([[0, { offset, ...(of && { of }) }]])

test('positions belong to the index they were committed for', () => {
  expect(strangeTo(index, at(70n, JSON.parse(noteOf(index))), extent)).toBeUndefined()
})

test('an index that noted more since is still the same', () => {
  expect(strangeTo({ ...index, notes: 4 }, at(70n, JSON.parse(noteOf(index))), extent)).toBeUndefined()
})

test('positions that say of no index, set by hand, are taken as they are', () => {
  expect(strangeTo(index, at(70n), extent)).toBeUndefined()
  expect(strangeTo(index, at(0n), extent)).toBeUndefined()
})

test.each([
  ['of another index', at(70n, { index: 'uuid/other', notes: 3 }), /another one/],
  ['of a later state of the index', at(70n, { index: index.id, notes: 4 }), /earlier time/],
  ['behind the end of the topic', at(101n, { index: index.id, notes: 3 }), /ends at 100/],
  ['behind the end of the topic, set by hand', at(101n), /ends at 100/],
  ['before the first record of the topic', at(4n, { index: index.id, notes: 3 }), /begins at 5/],
] as const)('positions %s say nothing of it', (_, positions, why) => {
  expect(strangeTo(index, positions, extent)).toMatch(why)
})
