import { beforeEach, expect, test } from 'vitest'
import { closingRecord, letterId, letterRecord, OpenLetters } from '#runtime/dead-letters/letter'
import { topology } from '../dsl/topology.ts'
import { plan } from '../plan/plan.ts'
import { MemoryStore } from '../state/memory.ts'
import { type ThingSet, Things, toyRows } from '../testing/toys.ts'
import { operatorTopic, recordLetter, rowLetter } from './dead-letters.ts'
import { lostOf, wasDropped } from './lost-letters.ts'
import { Parking } from './parking.ts'
import { TaskSet } from './tasks.ts'

const toys = plan(
  topology('lost', ({ events }) => [
    events({ ...Things, partitions: 1 })
      .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
      .map(
        () => {
          throw new Error('ill')
        },
        { name: 'rows' },
      )
      .to(toyRows('lost')),
  ]),
)
const ID = letterId(operatorTopic('rows'), 0, -1, 'a')

let tasks: TaskSet
beforeEach(() => {
  tasks = new TaskSet(
    toys,
    (_, name, options) => new MemoryStore(name, options),
    () => Buffer.alloc(0),
  )
  tasks.add(0)
  tasks.openDirect(0)
  tasks.fold(toys.sources[0]!.readers[0]!, 0, 'a', 'ThingSet', { place: null, size: 1 })
  expect(tasks.run().failures).toMatchObject([{ operator: 'rows', key: 'a' }])
  tasks.commit()
})

const now = new Date(0)
function letter() {
  const failed = rowLetter('author-error', 'rows', 0, 'a', new Error('ill'))
  return { ...letterRecord({ ...failed, id: ID, app: 'lost' }, now), offset: 0 }
}

test('a row that failed and has no letter is worked on again, and fails again', () => {
  const { rows } = lostOf(new Parking(), tasks, new OpenLetters())
  expect(rows).toEqual([{ operator: 'rows', partition: 0, key: 'a' }])
  for (const { operator, partition, key } of rows) tasks.retry(operator, partition, key)
  expect(tasks.run().failures).toMatchObject([{ operator: 'rows', key: 'a' }])
})

test('a row whose letter is open has lost nothing', () => {
  const letters = new OpenLetters()
  letters.take(letter())
  expect(lostOf(new Parking(), tasks, letters).rows).toEqual([])
})

test('a row that was given up stays so', () => {
  const letters = new OpenLetters()
  letters.take(letter())
  letters.take({ ...closingRecord({ id: ID, app: 'lost', outcome: 'dropped', message: '' }, now), offset: 1 })
  expect(lostOf(new Parking(), tasks, letters).rows).toEqual([])
})

test('a record that was given up is left out when its topic is read again, and not another one at its place', () => {
  const record = { offset: 7, timestamp: 0, key: Buffer.from('a'), value: null, headers: () => [] }
  const failed = recordLetter('unreadable', 'garbage', Things.name, 0, record)
  const id = letterId(Things.name, 0, 7, null)
  const letters = new OpenLetters()
  letters.take({ ...letterRecord({ ...failed, id, app: 'lost', topicId: 'first' }, now), offset: 0 })
  letters.take({ ...closingRecord({ id, app: 'lost', outcome: 'dropped', message: '' }, now), offset: 1 })
  expect(wasDropped(letters, new Map([[Things.name, 'first']]))(failed)).toBe(true)
  expect(wasDropped(letters, new Map([[Things.name, 'second']]))(failed)).toBe(false)
})
