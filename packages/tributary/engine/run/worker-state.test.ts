import { expect, test } from 'vitest'
import { topology } from '../index.ts'
import { plan } from '../plan/plan.ts'
import { type ThingSet, Things, toyRows } from '../testing/toys.ts'
import { partitionOf } from './partitioner.ts'
import { WorkerState } from './worker-state.ts'

const planned = plan(
  topology('held', ({ events }) =>
    events(Things)
      .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
      .map((thing, key) => ({ key, text: `${thing.size}` }))
      .to(toyRows('held')),
  ),
)
const [source] = planned.sources
const partition = partitionOf('t', planned.partitions)
const other = (partition + 1) % planned.partitions
const all = [partition, other]

/** A worker that was given two partitions, which have a stamp from before. */
function owning(): WorkerState {
  const state = new WorkerState(planned, (_, row) => Buffer.from(JSON.stringify(row)))
  expect(state.own(all, () => 'before')).toEqual(all)
  return state
}
/** An epoch that takes a thing in and works it off; what became of its transaction is not known. Gives its stamp. */
function work(state: WorkerState, size: number): string {
  const stamp = state.begin()
  const { readers } = source as Extract<typeof source, { kind: 'events' }>
  for (const reader of readers) state.tasks.fold(reader, partition, 't', 'ThingSet', { place: null, size })
  state.tasks.run()
  return stamp
}

test('an epoch whose stamp is found was committed, any other one is undone', () => {
  const state = owning()
  const first = work(state, 1)
  expect(state.settle([first, 'before'])).toBe('committed')
  expect(state.tasks.rows).toBe(1)
  work(state, 2)
  expect(state.settle([first, first])).toBe('undone')
  expect(state.tasks.rows).toBe(1)
  expect(state.settle([first])).toBeUndefined()
})

test('an epoch that took nothing in leaves nothing to settle', () => {
  const state = owning()
  state.begin()
  state.nothingBegun()
  expect(state.settle([])).toBeUndefined()
})

test('partitions that nobody went on with are kept, those of another stamp are restored, and those of others given up', () => {
  const state = owning()
  const stamp = work(state, 1)
  state.commit(all, [], [])
  expect(state.own(all, () => stamp)).toEqual([])
  expect(state.tasks.rows).toBe(1)
  // Somebody else committed for one of them meanwhile.
  expect(state.own(all, (p) => (p === partition ? 'of another worker' : stamp))).toEqual([partition])
  expect(state.tasks.rows).toBe(0)
  expect(state.own([other], () => stamp)).toEqual([])
  expect(state.tasks.partitions).toEqual([other])
})

test('what a changelog says is taken over, by whom it is of', () => {
  const state = owning()
  state.load(partition, 'things\u0000t', '{"place":null,"size":1}')
  expect(state.tasks.rows).toBe(1)
  state.remove([partition])
  expect(state.tasks.partitions).toEqual([other])
})
