import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import { closingRecord, letterId, letterRecord, OpenLetters } from '#runtime/dead-letters/letter'
import { openLog } from '#runtime/log'
import { topology } from '../dsl/topology.ts'
import type { FetchedRecord } from '../kafka/records.ts'
import { askRecord, readAsk } from '../letters.ts'
import { plan } from '../plan/plan.ts'
import { MemoryStore } from '../state/memory.ts'
import { type PlaceSet, Places, type ThingSet, Things, toyContracts, toyRows } from '../testing/toys.ts'
import type { Aside } from './dead-letters.ts'
import { Intake } from './intake.ts'
import { lostOf } from './lost-letters.ts'
import { Parking } from './parking.ts'
import { Replay, type Reread } from './replay.ts'
import { Schemas } from './schemas.ts'
import { TaskSet } from './tasks.ts'

/**
 * The law of dead letters: whatever fails, is replayed, dropped, loses its letter or is given back in a restart, in any
 * order, a key's row is what folding its records comes to, without those that were dropped and those that still wait.
 */

const codec = memoryCodec(toyContracts)
const PARTITION = 0
/** A size that one of the two readers can't fold while `ill` says so. */
const POISON = 13
let ill = true

const one = <T extends { partitions: number }>(topic: T): T => ({ ...topic, partitions: 1 })
const OneThings = one(Things)

/** Two readers of one topic: what fails in one is folded by the other. Both keep a history, which tells every order. */
const toys = plan(
  topology('parking', ({ events }) => [
    events(OneThings)
      .evolve<string>(
        {
          ThingSet: (row: string | undefined, event: ThingSet) => {
            if (ill && event.size === POISON) throw new Error('thirteen')
            return `${row ?? ''},${event.size}`
          },
        },
        { name: 'careful' },
      )
      .map((text, key) => ({ key, text }))
      .to(toyRows('careful')),
    events(OneThings)
      .evolve<string>(
        { ThingSet: (row: string | undefined, event: ThingSet) => `${row ?? ''},${event.size}` },
        { name: 'easy' },
      )
      .map((text, key) => ({ key, text }))
      .to(toyRows('easy')),
    events(one(Places))
      .evolve<PlaceSet>({ PlaceSet: (_, event) => event }, { name: 'places' })
      .map(({ label }, key) => ({ key, text: label }))
      .to(toyRows('places')),
  ]),
)

type Value = number | 'tombstone' | 'garbage'
interface Written {
  readonly key: string
  readonly value: Value
}

/** A worker's partition, without a broker: log, changelog and dead letters are lists, epochs commit or don't. */
class Scene {
  readonly log: (Written | undefined)[] = []
  readonly changelog = new Map<string, string>()
  letters = new OpenLetters()
  readonly rows = new Map<string, Map<string, string>>()
  readonly dropped = new Set<number>()
  taken = 0
  asks: string[] = []
  #written = 0
  /** Until what waits has its letters again, nobody can tell which keys those are. */
  #lettersLost = false
  #tasks!: TaskSet
  #parking!: Parking
  #intake!: Intake
  #replay!: Replay
  readonly #slice: number

  constructor(slice: number) {
    this.#slice = slice
    this.start()
  }

  /** Reads everything from the beginning, as when somebody took its state from it. */
  beginAnew(): void {
    this.changelog.clear()
    this.dropped.clear()
    this.taken = 0
    this.start()
  }

  /** Comes (back) from the changelog. */
  start(): void {
    this.#parking = new Parking()
    const encode = ({ topic }: { topic: { row: unknown } }, row: unknown) => codec.encode(topic.row as never, row)
    this.#tasks = new TaskSet(toys, (_, name, options) => new MemoryStore(name, options), encode)
    this.#tasks.add(PARTITION)
    this.#tasks.openDirect(PARTITION)
    for (const [key, value] of this.changelog) {
      if (!this.#parking.load(PARTITION, key, value)) this.#tasks.load(PARTITION, key, value)
    }
    const schemas = new Schemas(codec, openLog('test', 'silent'))
    this.#intake = new Intake(toys, schemas, this.#tasks, this.#parking)
    const reread: Reread = {
      earliest: async () => 0,
      fetch: async ({ topic, partition, offset }) => {
        const records = this.#recordsFrom(offset).slice(0, this.#slice)
        const nextOffset = (records.at(-1)?.offset ?? this.log.length - 1) + 1
        return { topic, partition, offset, records, nextOffset, stableOffset: 0, highWatermark: 0 }
      },
    }
    this.#replay = new Replay(this.#intake, schemas, this.#tasks, this.#parking, reread, this.#slice)
    this.#lookForLost()
  }

  /** The dead-letter topic is deleted and made anew. */
  loseLetters(): void {
    this.letters = new OpenLetters()
    this.#lettersLost = true
    this.#lookForLost()
  }

  #lookForLost(): void {
    this.#replay.again(lostOf(this.#parking, this.#tasks, this.letters))
  }

  async epoch(most: number, outcome: 'commit' | 'undone' | 'crash'): Promise<void> {
    const aside: Aside = { letters: [], closings: [] }
    const asks = this.asks
    for (const ask of asks) this.#replay.ask(PARTITION, readAsk(ask)!, aside)
    const records = this.#recordsFrom(this.taken).slice(0, most)
    for (const record of records) this.#intake.take(Things.name, PARTITION, record, aside)
    const taken = records.length > 0 ? records.at(-1)!.offset + 1 : this.taken
    await this.#replay.run(() => taken, aside)
    const output = this.#tasks.run()
    const changes = [...output.changelog, ...this.#parking.changes()]
    if (outcome === 'undone') {
      this.#tasks.rollback()
      this.#parking.rollback()
      return this.#lookForLost()
    }
    if (outcome === 'crash') return this.start()
    this.#tasks.commit()
    this.#parking.commit()
    this.asks = []
    this.taken = taken
    for (const { key, value } of changes) {
      if (value === null) this.changelog.delete(key)
      else this.changelog.set(key, value)
    }
    for (const { sink, key, value } of output.outputs) {
      const table = this.rows.get(sink.topic.name) ?? new Map<string, string>()
      this.rows.set(sink.topic.name, table)
      if (value === null) table.delete(key)
      else table.set(key, (codec.decode(value).value as { text: string }).text)
    }
    const now = new Date(0)
    for (const letter of aside.letters) {
      const id = letterId(letter.topic, letter.partition, letter.offset, letter.key)
      this.letters.take({ ...letterRecord({ ...letter, id, app: 'parking' }, now), offset: this.#written++ })
    }
    for (const closing of aside.closings) {
      if (closing.outcome === 'dropped') this.dropped.add(Number(closing.id.split('/').at(-1)))
      this.letters.take({ ...closingRecord({ ...closing, app: 'parking' }, now), offset: this.#written++ })
    }
    this.#checkWell()
  }

  /** The rows of keys that no letter is open of are what their records up to here come to, at any moment. */
  #checkWell(): void {
    this.#lettersLost &&= this.#replay.pending
    if (this.#lettersLost) return
    const open = new Set(this.letters.all.map((letter) => String(letter.key)))
    const well = (rows: ReadonlyMap<string, string> = new Map()) => sorted(rows).filter(([key]) => !open.has(key))
    for (const reader of ['careful', 'easy'] as const) {
      const expected = well(this.expected(reader, this.taken))
      expect([reader, well(this.rows.get(`${reader}.rows.1`))]).toEqual([reader, expected])
    }
  }

  /** Until nothing changes any more. */
  async drain(): Promise<void> {
    do await this.epoch(1_000, 'commit')
    while (this.taken < this.log.length || this.#replay.pending)
  }

  ask(action: 'replay' | 'drop', nth: number): void {
    const open = this.letters.all
    if (open.length > 0) this.asks.push(askRecord({ ...open[nth % open.length]!, app: 'parking' }, action, 'why').value)
  }

  /** What the readers' rows must be: everything before the open letter of a key, without what was dropped. */
  expected(reader: 'careful' | 'easy', end = this.log.length): Map<string, string> {
    const open = new Map(this.letters.all.map((letter) => [String(letter.key), letter]))
    const rows = new Map<string, string>()
    for (const [offset, written] of this.log.entries()) {
      if (!written || offset >= end) continue
      const { key, value } = written
      const letter = open.get(key)
      if (letter && offset > letter.offset) continue
      // The other reader has the event that one of them couldn't fold.
      const lacks = letter?.offset === offset || this.dropped.has(offset)
      if (lacks && (value === 'garbage' || reader === 'careful')) continue
      if (value === 'tombstone') rows.delete(key)
      else if (value !== 'garbage') rows.set(key, `${rows.get(key) ?? ''},${value}`)
    }
    return rows
  }

  #recordsFrom(offset: number): FetchedRecord[] {
    return this.log.flatMap((written, n) => {
      if (!written || n < offset) return []
      const { key, value } = written
      const bytes =
        value === 'tombstone'
          ? null
          : value === 'garbage'
            ? Buffer.from('garbage')
            : codec.encode(Things.events.ThingSet, { place: null, size: value })
      return [{ offset: n, timestamp: 0, key: Buffer.from(key), value: bytes, headers: () => [] }]
    })
  }
}

const key = fc.constantFrom('a', 'b', 'c')
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('write' as const), key, value: fc.nat(4) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      key,
      value: fc.constantFrom<Value>(POISON, POISON, 'garbage', 'tombstone'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('gap' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('epoch' as const),
      most: fc.integer({ min: 1, max: 6 }),
      outcome: fc.constantFrom('commit' as const, 'commit' as const, 'undone' as const, 'crash' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      action: fc.constantFrom('replay' as const, 'replay' as const, 'drop' as const),
      nth: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mend' as const), ill: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose letters' as const) }) },
)

test('whatever fails, is replayed, dropped, loses its letter and is restarted, rows are what folding all but dropped and waiting records comes to', async () => {
  await codec.prepare(toyContracts)
  const script = fc.array(step, { maxLength: 120, size: 'max' })
  await fc.assert(
    fc.asyncProperty(script, fc.integer({ min: 1, max: 4 }), async (script, slice) => {
      ill = true
      const scene = new Scene(slice)
      for (const each of script) {
        switch (each.do) {
          case 'write':
            scene.log.push({ key: each.key, value: each.value })
            break
          case 'gap':
            scene.log.push(undefined)
            break
          case 'epoch':
            await scene.epoch(each.most, each.outcome)
            break
          case 'ask':
            scene.ask(each.action, each.nth)
            break
          case 'mend':
            ill = each.ill
            break
          case 'lose letters':
            scene.loseLetters()
        }
      }
      // A last epoch has something to take in, so that gaps at the end count as passed.
      scene.log.push({ key: 'end', value: 0 })
      await scene.drain()
      for (const reader of ['careful', 'easy'] as const) {
        expect([reader, sorted(scene.rows.get(`${reader}.rows.1`))]).toEqual([reader, sorted(scene.expected(reader))])
      }
      // In the end everything can be worked off or given up.
      ill = false
      for (const letter of scene.letters.all) {
        scene.asks.push(
          askRecord({ ...letter, app: 'parking' }, letter.reason === 'unreadable' ? 'drop' : 'replay').value,
        )
      }
      for (let round = 0; round < 200 && scene.letters.all.length > 0; round++) {
        await scene.drain()
        for (const letter of scene.letters.all) scene.asks.push(askRecord({ ...letter, app: 'parking' }, 'drop').value)
      }
      expect(scene.letters.all).toEqual([])
      for (const reader of ['careful', 'easy'] as const) {
        expect([reader, sorted(scene.rows.get(`${reader}.rows.1`))]).toEqual([reader, sorted(scene.expected(reader))])
      }
      expect([...scene.changelog.keys()].filter((name) => name.startsWith('!parked'))).toEqual([])
    }),
    { numRuns: Number(process.env.LAW_RUNS ?? 100) },
  )
}, 120_000)

test('what was dropped is open again when the topic is read again and parks its key again', async () => {
  await codec.prepare(toyContracts)
  const scene = new Scene(4)
  scene.log.push({ key: 'a', value: 'garbage' }, { key: 'a', value: 1 })
  await scene.drain()
  scene.ask('drop', 0)
  await scene.drain()
  expect(scene.letters.all).toEqual([])
  scene.beginAnew()
  await scene.drain()
  expect(scene.letters.all).toMatchObject([{ offset: 0 }])
  scene.ask('drop', 0)
  await scene.drain()
  expect(scene.letters.all).toEqual([])
  expect(sorted(scene.rows.get('careful.rows.1'))).toEqual([['a', ',1']])
})

test('what waits has a letter again after the dead-letter topic was made anew', async () => {
  ill = true
  const scene = new Scene(4)
  scene.log.push({ key: 'a', value: POISON }, { key: 'b', value: 'garbage' }, { key: 'a', value: 1 })
  await scene.drain()
  scene.loseLetters()
  await scene.drain()
  expect(scene.letters.all).toMatchObject([
    { offset: 0, reason: 'author-error' },
    { offset: 1, reason: 'unreadable' },
  ])
  scene.ask('drop', 0)
  await scene.drain()
  expect(sorted(scene.rows.get('careful.rows.1'))).toEqual([['a', ',1']])
})

function sorted(rows: ReadonlyMap<string, string> = new Map()): [string, string][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}
