import { expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import { type Closing, letterId, letterRecord, readLetter, type StoredLetter } from '#runtime/dead-letters/letter'
import { openLog } from '#runtime/log'
import { topology } from '../dsl/topology.ts'
import { askRecord, readAsk } from '../letters.ts'
import { plan } from '../plan/plan.ts'
import { MemoryStore } from '../state/memory.ts'
import { type ThingSet, Things, toyContracts, toyRows } from '../testing/toys.ts'
import { type Aside, rowLetter } from './dead-letters.ts'
import { Intake } from './intake.ts'
import { Parking } from './parking.ts'
import { Replay } from './replay.ts'
import { Schemas } from './schemas.ts'
import { TaskSet } from './tasks.ts'

/** Things by the first letter of their key; the row of a group can't be made while `ill` says so. */
let ill = true
let group = ''
const toys = plan(
  topology('replay', ({ events }) =>
    events({ ...Things, partitions: 1 })
      .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
      .groupBy(() => group, { name: 'groups' })
      .summarise((a) => ({ n: a.count() }))
      .map(
        ({ n }) => {
          if (ill) throw new Error('ill')
          return { key: 'well', text: `${n}` }
        },
        { name: 'mapped' },
      )
      .to(toyRows('replay')),
  ),
)

/** A worker whose row of a key has failed, and its letter as the topic has it. */
function failedFor(key: string) {
  ill = true
  group = key
  const codec = memoryCodec(toyContracts)
  const tasks = new TaskSet(
    toys,
    (_, name, options) => new MemoryStore(name, options),
    (_, row) => Buffer.from(JSON.stringify(row)),
  )
  const parking = new Parking()
  const schemas = new Schemas(codec, openLog('test', 'silent'))
  const intake = new Intake(toys, schemas, tasks, parking)
  const replay = new Replay(intake, schemas, tasks, parking, {
    earliest: async () => 0,
    fetch: async () => {
      throw new Error('there is nothing to read again')
    },
  })
  tasks.add(0)
  tasks.openDirect(0)
  tasks.fold(toys.sources[0]!.readers[0]!, 0, 't1', 'ThingSet', { place: null, size: 1 })
  const [failure, ...others] = tasks.run().failures
  expect(others).toEqual([])
  tasks.commit()
  const { operator, partition, reason, error } = failure!
  const written = rowLetter(reason, operator, partition, failure!.key, error)
  const id = letterId(written.topic, partition, -1, failure!.key)
  const stored = readLetter({ ...letterRecord({ ...written, id, app: 'replay' }, new Date(0)), offset: 0 })
  const { letter } = stored as { letter: StoredLetter }
  const ask = (action: 'replay' | 'drop'): Omit<Closing, 'app'>[] => {
    const aside: Aside = { letters: [], closings: [] }
    replay.ask(0, readAsk(askRecord({ ...letter, app: 'replay' }, action, 'why').value)!, aside)
    replay.mended(tasks.run().mended, aside)
    tasks.commit()
    return aside.closings
  }
  return { letter, ask }
}

test.each([
  ['short', 'k1'],
  ['longer than a letter keeps', 'k'.repeat(2_000)],
  ['cut within a character', 'é'.repeat(1_023)],
  ['half a surrogate pair', 'k\ud800'],
])('the letter of a row whose key is %s is replayed, and closed under its own id', (_, key) => {
  const { letter, ask } = failedFor(key)
  // Ill as before: it stays open.
  expect(ask('replay')).toEqual([])
  ill = false
  expect(ask('replay')).toMatchObject([{ id: letter.id, outcome: 'replayed' }])
  expect(ask('replay')).toMatchObject([{ id: letter.id, outcome: 'superseded' }])
})

test.each([['k'.repeat(2_000)], ['k\ud800']])('it is dropped under its own id, whatever its key', (key) => {
  const { letter, ask } = failedFor(key)
  expect(ask('drop')).toEqual([{ id: letter.id, outcome: 'dropped', message: 'why' }])
})
