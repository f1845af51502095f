import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { avroType, codecOn } from '#contracts/codec'
import { openLog } from '#runtime/log'
import { topology } from '../dsl/topology.ts'
import type { FetchedRecord } from '../kafka/records.ts'
import { plan } from '../plan/plan.ts'
import { type ThingSet, Things, toyContracts, toyRows } from '../testing/toys.ts'
import type { Aside } from './dead-letters.ts'
import { Intake } from './intake.ts'
import { Parking } from './parking.ts'
import { Schemas } from './schemas.ts'
import type { TaskSet } from './tasks.ts'

const folded: string[] = []
const tasks = {
  fold: (_: unknown, __: number, key: string) => {
    folded.push(key)
    return { ok: true }
  },
} as unknown as TaskSet
const toys = plan(
  topology('intake', ({ events }) =>
    events(Things)
      .evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
      .map((thing, key) => ({ key, text: String(thing.size) }))
      .to(toyRows('intake')),
  ),
)

/** A codec whose registry answers when the test says so. Its schemas have the ids 1, 2, … */
async function withRegistry(answers: () => Promise<void>) {
  const source = {
    idOf: async (contract: { name: string }) => toyContracts.findIndex(({ name }) => name === contract.name) + 1,
    typeOf: async (id: number) => {
      await answers()
      return toyContracts[id - 1] && avroType(toyContracts[id - 1]!.schema)
    },
  }
  const writer = codecOn(source, toyContracts)
  await writer.prepare(toyContracts)
  const schemas = new Schemas(codecOn(source, toyContracts), openLog('test', 'silent'))
  const intake = new Intake(toys, schemas, tasks, new Parking())
  onTestFinished(() => schemas.stop())
  const value = writer.encode(Things.events.ThingSet, { place: null, size: 1 })
  const record = (key: string): FetchedRecord => ({
    offset: 0,
    timestamp: 0,
    key: Buffer.from(key),
    value,
    headers: () => [],
  })
  const aside: Aside = { letters: [], closings: [] }
  return { schemas, take: (key: string) => intake.take(Things.name, 0, record(key), aside) }
}

test('a record whose schema the registry tells soon is taken in once it is known', async () => {
  const { schemas, take } = await withRegistry(async () => {})
  const waits = take('soon')
  expect(waits).toBeInstanceOf(Promise)
  expect(await schemas.soon(waits as Promise<void>)).toBe(true)
  expect(take('soon')).toBeUndefined()
  expect(folded).toContain('soon')
  expect(schemas.away).toBeUndefined()
})

test('while the registry hangs an epoch waits for it a moment, once, and it is said', async () => {
  let answer = () => {}
  const answers = new Promise<void>((resolve) => {
    answer = resolve
  })
  const { schemas, take } = await withRegistry(() => answers)
  const waits = take('late') as Promise<void>
  const began = performance.now()
  expect(await schemas.soon(waits)).toBe(false)
  expect(performance.now() - began).toBeLessThan(1_000)
  expect(schemas.away).toMatch(/registry/)
  // The next one of another partition isn't waited for at all.
  expect(await Promise.race([schemas.soon(waits), delay(50, 'waits')])).toBe(false)
  answer()
  await waits
  expect(take('late')).toBeUndefined()
  expect(folded).toContain('late')
  expect(schemas.away).toBeUndefined()
})

test('what was given up is left out when it is read again and fails again, and nothing waits behind it', () => {
  const parking = new Parking()
  const schemas = new Schemas(
    codecOn({ idOf: async () => 1, typeOf: async () => undefined }, []),
    openLog('test', 'silent'),
  )
  const intake = new Intake(toys, schemas, tasks, parking, ({ offset }) => offset === 0)
  const aside: Aside = { letters: [], closings: [] }
  const garbage = (offset: number): FetchedRecord => {
    return { offset, timestamp: 0, key: Buffer.from('k'), value: Buffer.from('garbage'), headers: () => [] }
  }
  intake.take(Things.name, 0, garbage(0), aside)
  expect([parking.size, aside.letters]).toEqual([0, []])
  intake.take(Things.name, 0, garbage(1), aside)
  expect([parking.size, aside.letters.map(({ offset }) => offset)]).toEqual([1, [1]])
})
