import { expect, test } from 'vitest'
import { topology } from '../dsl/topology.ts'
import type { FetchedRecord } from '../kafka/records.ts'
import { askRecord } from '../letters.ts'
import { plan } from '../plan/plan.ts'
import { MemoryStore } from '../state/memory.ts'
import { type PlaceSet, Places, type ThingSet, Things, toyRows } from '../testing/toys.ts'
import type { Aside } from './dead-letters.ts'
import { takeExchanged } from './exchange.ts'
import { TaskSet } from './tasks.ts'

/** A topology that has every port. */
const toys = plan(
  topology('exchange', ({ events }) => {
    const things = events({ ...Things, partitions: 1 }).evolve<ThingSet>(
      { ThingSet: (_, event) => event },
      { name: 'things' },
    )
    const places = events({ ...Places, partitions: 1 }).evolve<PlaceSet>(
      { PlaceSet: (_, event) => event },
      { name: 'places' },
    )
    return [
      things
        .leftJoin(places, {
          name: 'joined',
          on: (thing) => thing.place,
          select: (_, place, key) => ({ key, text: `${place}` }),
        })
        .to(toyRows('joined')),
      things
        .groupBy((thing) => thing.place, { name: 'sums' })
        .summarise((a) => ({ n: a.count() }))
        .map(({ n }, key) => ({ key, text: `${n}` }))
        .to(toyRows('sums')),
    ]
  }),
)

function world() {
  const tasks = new TaskSet(
    toys,
    (_, name, options) => new MemoryStore(name, options),
    (_, row) => Buffer.from(JSON.stringify(row)),
  )
  tasks.add(0)
  const aside: Aside = { letters: [], closings: [] }
  const asked: string[] = []
  const replay = { ask: (_: number, { id }: { id?: string }) => void asked.push(id ?? '') }
  const take = (value: string | null, more: Partial<FetchedRecord> = {}) => {
    const bytes = value === null ? null : Buffer.from(value)
    const record = { offset: 7, timestamp: 1, key: null, value: bytes, headers: () => [], ...more }
    takeExchanged('app-exchange', 0, record, { tasks, replay }, aside)
  }
  return { tasks, aside, asked, take }
}

test.each([
  '{',
  'null',
  '7',
  '"joined"',
  '{}',
  '[]',
  '["joined"]',
  '["joined",1]',
  '["!letters","replay"',
  '["!letters","replay"]',
  '["!letters","burn","a.events",1,null,"why"]',
  '["!letters","drop","a.events","1",null,"why"]',
  '["joined","lookup"]',
  '["joined","lookup","p1","t1","0",1]',
  '["joined","answer","t1"]',
  '["joined","answer","t1","1",null]',
  '["sums","groups","p1"]',
  '["sums","groups","p1",null]',
  '["sums","groups","p1",{"n":1,"sums":null,"sets":[]}]',
  '["sums","groups",null,{"n":1,"sums":[],"sets":[]}]',
  '["to-joined.rows.1","claims","t1"]',
  null,
])('%s on the exchange topic is set aside, and the epoch goes on', (junk) => {
  const { tasks, aside, take } = world()
  take(junk)
  take('["sums","groups","p1",{"n":1,"sums":[],"sets":[]}]')
  const { outputs } = tasks.run()
  expect(outputs.map(({ key }) => key)).toEqual(['p1'])
  expect(aside.letters).toMatchObject([{ reason: 'unreadable', topic: 'app-exchange', partition: 0, offset: 7 }])
})

test('a batch that cannot be read is set aside as it is', () => {
  const { aside, take } = world()
  take('bytes', { unreadable: 'it is cut off' })
  expect(aside.letters).toMatchObject([{ message: 'it is cut off', value: Buffer.from('bytes') }])
})

test('what people ask is asked, and a message to an operator that is no more is passed over', () => {
  const { asked, aside, take } = world()
  const letter = { id: 'a.events/0/1', app: 'app', topic: 'a.events', partition: 0, offset: 1, key: null }
  take(askRecord(letter, 'replay').value)
  take('["gone","groups","p1"]')
  expect([asked, aside.letters]).toEqual([['a.events/0/1'], []])
})
