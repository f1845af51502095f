import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fetched, FetchLimits, Position } from '../kafka/fetcher.ts'
import { Inbound } from './inbound.ts'

interface Log {
  /** Of each record. */
  readonly timestamps: number[]
  /** Offsets behind the records that hold none: markers, or what was compacted away. */
  readonly behind?: number
  /** Whether the broker steps over those with an answer that holds no record, as it does over markers. */
  readonly steppedOver?: boolean
}

/** Partitions in memory. `served` says how many records of a partition a fetch brings. */
function broker(
  logs: Record<string, readonly number[] | Log>,
  { served = () => Number.POSITIVE_INFINITY, value = null as Buffer | null } = {},
) {
  const fetches: { places: string[]; maxWaitMs: number }[] = []
  const logOf = (place: string): Log => {
    const log = logs[place]!
    return 'timestamps' in log ? log : { timestamps: [...log], behind: 1, steppedOver: true }
  }
  const positions = Object.keys(logs).map((place): Position => {
    const [topic, partition] = place.split('/')
    return { topic: topic!, partition: Number(partition), offset: 0 }
  })
  function answer(position: Position): Fetched {
    const { timestamps, behind = 0, steppedOver = true } = logOf(`${position.topic}/${position.partition}`)
    const { offset } = position
    const records = timestamps.slice(offset, offset + served()).map((timestamp, n) => {
      return { offset: offset + n, timestamp, key: null, value, headers: () => [] }
    })
    const stableOffset = timestamps.length + behind
    const onlyTheRest = offset >= timestamps.length && steppedOver
    const nextOffset = onlyTheRest ? stableOffset : offset + records.length
    return { ...position, records, nextOffset, stableOffset, highWatermark: stableOffset }
  }
  async function fetch(wanted: readonly Position[], { maxWaitMs }: FetchLimits): Promise<Fetched[]> {
    fetches.push({ places: wanted.map(({ topic, partition }) => `${topic}/${partition}`), maxWaitMs })
    // Not before the worker has done with what it has.
    await setImmediate()
    const answers = wanted.map(answer)
    const nothing = answers.every(({ offset, nextOffset }) => offset === nextOffset)
    // With nothing to give the broker waits: here, for ever.
    return nothing && maxWaitMs > 0 ? new Promise(() => {}) : answers
  }
  return { inbound: new Inbound(fetch, positions, 'exchange'), fetches }
}

async function take(inbound: Inbound, most = Number.POSITIVE_INFINITY): Promise<[place: string, timestamp: number][]> {
  const taken: [string, number][] = []
  for await (const { topic, partition, record } of inbound.take(most)) {
    taken.push([`${topic}/${partition}`, record.timestamp])
  }
  return taken
}

/** Everything there is, `most` at a time. */
async function takeAll(inbound: Inbound, most?: number): Promise<[string, number][]> {
  const all: [string, number][] = []
  await inbound.wait()
  while (inbound.behind > 0) {
    all.push(...(await take(inbound, most)))
    if (inbound.behind > 0) await inbound.wait()
  }
  return all
}

const timestamps = fc.array(fc.nat(1_000), { maxLength: 40 })
const places = ['a/0', 'a/1', 'b/0', 'b/1'] as const
const anyLogs = fc.record(Object.fromEntries(places.map((place) => [place, timestamps])))

test('records come in the order of their timestamps across all partitions, however few a fetch brings', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyLogs,
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 50 }),
      async (logs, n, most) => {
        const sorted = Object.fromEntries(Object.entries(logs).map(([p, log]) => [p, log.toSorted((a, b) => a - b)]))
        fc.pre(Object.values(sorted).some((log) => log.length > 0))
        const taken = await takeAll(broker(sorted, { served: () => n }).inbound, most)
        expect(taken.map(([, at]) => at)).toEqual(
          Object.values(sorted)
            .flat()
            .sort((a, b) => a - b),
        )
      },
    ),
  )
})

test("a partition's records keep their order and none is left out, whatever their timestamps are", async () => {
  await fc.assert(
    fc.asyncProperty(anyLogs, fc.integer({ min: 1, max: 50 }), async (logs, most) => {
      fc.pre(Object.values(logs).some((log) => log.length > 0))
      let turn = 0
      const taken = await takeAll(broker(logs, { served: () => (turn++ % 3) + 1 }).inbound, most)
      for (const place of places) expect(taken.filter(([p]) => p === place).map(([, at]) => at)).toEqual(logs[place])
    }),
  )
})

test('a partition that is known to hold more is waited for; one without anything holds nobody up', async () => {
  const { inbound } = broker({ 'a/0': [10, 20, 30, 40], 'a/1': [11, 12, 13], 'b/0': [] }, { served: () => 2 })
  await inbound.wait()
  expect(await take(inbound)).toEqual([
    ['a/0', 10],
    ['a/1', 11],
    ['a/1', 12],
    ['a/1', 13],
    ['a/0', 20],
    ['a/0', 30],
    ['a/0', 40],
  ])
})

test('what workers tell one another is taken at once, be it written later than all the rest', async () => {
  const { inbound } = broker({ 'a/0': [1, 2], 'exchange/0': [100, 101], 'exchange/1': [99] })
  await inbound.wait()
  const taken = await take(inbound)
  expect(taken.slice(0, 3).map(([place]) => place.split('/')[0])).toEqual(['exchange', 'exchange', 'exchange'])
  expect(taken).toHaveLength(5)
})

test('what it was told to expect is waited for and comes before the rest', async () => {
  const exchange: number[] = []
  const { inbound } = broker({ 'a/0': [1, 2], 'exchange/0': { timestamps: exchange } })
  await inbound.wait()
  expect(await take(inbound, 1)).toEqual([['a/0', 1]])
  exchange.push(100)
  inbound.expect('exchange', 0, 1)
  expect(await take(inbound)).toEqual([
    ['exchange/0', 100],
    ['a/0', 2],
  ])
})

test('a position stands behind what was taken, and behind markers and aborted records that follow it', async () => {
  const { inbound } = broker({ 'a/0': { timestamps: [1, 2, 3], behind: 2_000 }, 'b/0': [] })
  await inbound.wait()
  expect(inbound.behind).toBe(2_003)
  expect(await take(inbound, 2)).toHaveLength(2)
  expect(inbound.takenUpTo('a', 0)).toBe(2)
  expect(await take(inbound, 2)).toHaveLength(1)
  await take(inbound)
  expect(inbound.takenUpTo('a', 0)).toBe(2_003)
  expect(inbound.takenUpTo('b', 0)).toBe(1)
  expect(inbound.behind).toBe(0)
})

test('also when those were fetched before the last record was taken', async () => {
  const { inbound } = broker({ 'a/0': { timestamps: [1, 2], behind: 5 }, 'b/0': [3] })
  await inbound.wait()
  await take(inbound, 1)
  // Sent with the wait, and here before the next record is taken.
  await inbound.wait()
  await setImmediate()
  await setImmediate()
  await take(inbound)
  expect(inbound.takenUpTo('a', 0)).toBe(7)
})

test('an end of the log that the broker never gives is not waited for', async () => {
  const { inbound } = broker({ 'a/0': { timestamps: [1], behind: 1, steppedOver: false }, 'b/0': [2, 3] })
  await inbound.wait()
  expect(await take(inbound)).toEqual([
    ['a/0', 1],
    ['b/0', 2],
    ['b/0', 3],
  ])
})

test('only a fetch of all partitions waits at the broker', async () => {
  const many = Array.from({ length: 10_000 }, (_, n) => n)
  const { inbound, fetches } = broker({ 'a/0': many, 'exchange/0': [] })
  await inbound.wait()
  await take(inbound, 10)
  // What is here of the first partition is plenty; the other is asked for news once per epoch all the same.
  await inbound.wait()
  expect(fetches.at(-1)).toEqual({ places: ['exchange/0'], maxWaitMs: 0 })
  await take(inbound)
  expect(fetches.at(-1)!.places.toSorted()).toEqual(['a/0', 'exchange/0'])
  for (const { places, maxWaitMs } of fetches) expect(maxWaitMs > 0 ? places.length : 2).toBe(2)
})

test('a partition of large records takes no more memory than one of small ones', async () => {
  const value = Buffer.alloc(100_000)
  const { inbound, fetches } = broker({ 'a/0': Array.from({ length: 50 }, (_, n) => n) }, { served: () => 1, value })
  await inbound.wait()
  for (let taken = 1; taken <= 20; taken++) {
    await take(inbound, 1)
    await setImmediate()
    expect(fetches.length - taken).toBeLessThanOrEqual(4)
  }
})

test('a partition that is held keeps its record, the others go on, and it goes on where it was', async () => {
  const { inbound } = broker({ 'ill/0': [1, 4], 'well/0': [2, 3, 5] })
  await inbound.wait()
  let mend = () => {}
  const mended = new Promise<void>((resolve) => {
    mend = resolve
  })
  const taken: number[] = []
  for await (const { topic, partition, record } of inbound.take(10)) {
    if (topic === 'ill') inbound.hold(topic, partition, mended)
    else taken.push(record.timestamp)
  }
  expect(taken).toEqual([2, 3, 5])
  expect([inbound.takenUpTo('ill', 0), inbound.takenUpTo('well', 0)]).toEqual([0, 4])
  expect(await take(inbound)).toEqual([])
  mend()
  await mended
  expect(await take(inbound)).toEqual([
    ['ill/0', 1],
    ['ill/0', 4],
  ])
})
