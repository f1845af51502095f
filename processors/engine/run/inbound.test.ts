import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fetched, Position } from '../kafka/fetcher.ts'
import { Inbound } from './inbound.ts'

/** Partitions of topics in memory, each a list of timestamps; `served` says how many of them a fetch brings. */
function broker(logs: Record<string, readonly number[]>, served: () => number = () => Number.POSITIVE_INFINITY) {
  const fetched: string[][] = []
  const positions = Object.keys(logs).map((place): Position => {
    const [topic, partition] = place.split('/')
    return { topic: topic!, partition: Number(partition), offset: 0 }
  })
  async function fetch(wanted: readonly Position[]): Promise<Fetched[]> {
    fetched.push(wanted.map(({ topic, partition }) => `${topic}/${partition}`))
    const answers = wanted.map((position): Fetched => {
      const log = logs[`${position.topic}/${position.partition}`]!
      const { offset } = position
      const records = log.slice(offset, offset + served()).map((timestamp, n) => ({
        offset: offset + n,
        timestamp,
        key: null,
        value: null,
        headers: () => [],
      }))
      // A transaction's marker follows at the end, as an offset without a record.
      const nextOffset = offset + records.length === log.length ? log.length + 1 : offset + records.length
      return { ...position, records, nextOffset, stableOffset: log.length + 1, highWatermark: log.length + 1 }
    })
    // Not before the worker has done with what it has.
    await setImmediate()
    // The broker waits when it has nothing: here, for ever.
    return answers.every(({ offset, nextOffset }) => offset === nextOffset) ? new Promise(() => {}) : answers
  }
  return { inbound: new Inbound(fetch, positions, 'exchange'), fetched }
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
    const some = await take(inbound, most)
    all.push(...some)
    // Markers may be left, for a fetch that this broker never answers.
    if (some.length === 0) break
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
        const taken = await takeAll(broker(sorted, () => n).inbound, most)
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
      const taken = await takeAll(broker(logs, () => (turn++ % 3) + 1).inbound, most)
      for (const place of places) expect(taken.filter(([p]) => p === place).map(([, at]) => at)).toEqual(logs[place])
    }),
  )
})

test('a partition that is known to hold more is waited for; one without anything holds nobody up', async () => {
  const { inbound } = broker({ 'a/0': [10, 20, 30, 40], 'a/1': [11, 12, 13], 'b/0': [] }, () => 2)
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

test('a position stands behind what was taken, and behind a marker that follows it', async () => {
  const { inbound } = broker({ 'a/0': [1, 2, 3], 'b/0': [] })
  await inbound.wait()
  expect(inbound.behind).toBe(4)
  expect(await take(inbound, 2)).toHaveLength(2)
  expect(inbound.takenUpTo('a', 0)).toBe(2)
  expect(await take(inbound, 2)).toHaveLength(1)
  expect(inbound.takenUpTo('a', 0)).toBe(4)
  expect(inbound.takenUpTo('b', 0)).toBe(1)
  expect(inbound.behind).toBe(0)
})

test('a fetch that may wait at the broker leaves no partition out', async () => {
  const many = Array.from({ length: 1_000 }, (_, n) => n)
  const { inbound, fetched } = broker({ 'a/0': many, 'a/1': [5] })
  await inbound.wait()
  // The first partition has plenty here: fetching the other alone could wait while the first runs dry.
  expect(fetched).toHaveLength(1)
  await take(inbound)
  expect(fetched.at(-1)!.toSorted()).toEqual(['a/0', 'a/1'])
})
