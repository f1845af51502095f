import type { Client } from '@elastic/elasticsearch'
import { expect, test } from 'vitest'
import { openLog } from '#runtime/log.ts'
import { Registry } from '#runtime/metrics.ts'
import { waitUntil } from '../../tests/harness/wait-until.ts'
import { Gate } from './gate.ts'
import { sinkMetrics } from './metrics.ts'
import { type Answer, Writer } from './writer.ts'

interface Bulk {
  readonly documents: number
  readonly refresh: boolean
  readonly at: number
  answer(): void
}

/** A writer whose bulks are answered when the test says so: how they overlap can't be arranged with a real server. */
function held(pace = { leastMs: 0, share: 1 }) {
  const bulks: Bulk[] = []
  const answers: Answer[] = []
  const client = {
    bulk: ({ operations, refresh }: { operations: string[]; refresh: boolean }) => {
      const { promise, resolve } = Promise.withResolvers<object>()
      const documents = operations.length / 2
      const items = Array.from({ length: documents }, () => ({ index: { status: 200 } }))
      bulks.push({ documents, refresh, at: performance.now(), answer: () => resolve({ errors: false, items }) })
      return promise
    },
  }
  const writer = new Writer({
    client: client as unknown as Client,
    alias: 'rows-write',
    pace,
    gate: new Gate(),
    metrics: sinkMetrics(new Registry()),
    log: openLog('test', 'silent'),
    signal: new AbortController().signal,
    troubled: () => {},
    onFailed: (error) => expect.unreachable(String(error)),
  })
  const write = (count: number) => {
    const answered = (answer: Answer) => void answers.push(answer)
    writer.add(Array.from({ length: count }, (_, i) => ({ id: `d${i}`, version: 1, body: '{}', answered })))
  }
  const sent = (count: number) => waitUntil(`${count} bulks were sent`, () => bulks.length === count)
  return { bulks, answers, write, sent }
}
const turns = async (count = 5) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('in light traffic one bulk at a time, and its documents are searchable when it is answered', async () => {
  const { bulks, answers, write, sent } = held()
  write(3)
  await sent(1)
  write(2)
  write(2)
  await turns()
  expect(bulks).toMatchObject([{ documents: 3, refresh: true }])
  bulks[0]!.answer()
  await sent(2)
  expect(bulks[1]).toMatchObject({ documents: 4, refresh: true })
  bulks[1]!.answer()
  await waitUntil('all are answered', () => answers.length === 7)
  expect(answers.every(({ verdict, searchable }) => verdict === 'applied' && searchable)).toBe(true)
})

test('under load several bulks at once, and a refresh is needed afterwards', async () => {
  const { bulks, answers, write, sent } = held()
  write(2_500)
  await sent(2)
  expect(bulks.map(({ refresh }) => refresh)).toEqual([false, false])
  for (const bulk of bulks) bulk.answer()
  await waitUntil('the first two are answered', () => answers.length === 2_000)
  expect(answers.some(({ searchable }) => searchable)).toBe(false)
  // The rest is light traffic again.
  await sent(3)
  expect(bulks[2]).toMatchObject({ documents: 500, refresh: true })
})

test('light bulks keep the pace: the first goes at once, the next when it is time', async () => {
  const { bulks, write, sent } = held({ leastMs: 300, share: 1 })
  const start = performance.now()
  write(1)
  await sent(1)
  bulks[0]!.answer()
  await turns()
  write(1)
  await sent(2)
  // A timer may be a millisecond early.
  expect(bulks[1]!.at - start).toBeGreaterThanOrEqual(299)
})

test('a bulk that took long is followed by a longer rest', async () => {
  const { bulks, write, sent } = held({ leastMs: 0, share: 1 / 4 })
  write(1)
  await sent(1)
  const slow = performance.now() + 30
  await waitUntil('the bulk has taken a while', () => performance.now() > slow, { everyMs: 5 })
  bulks[0]!.answer()
  write(1)
  await sent(2)
  expect(bulks[1]!.at - bulks[0]!.at).toBeGreaterThanOrEqual(4 * 30)
})

test('what a bulk under load took does not hold back the light ones after it', async () => {
  const { bulks, write, sent } = held({ leastMs: 60_000, share: 1 / 1_000 })
  write(2_500)
  await sent(2)
  for (const bulk of bulks) bulk.answer()
  await sent(3)
  expect(bulks[2]).toMatchObject({ documents: 500, refresh: true })
})

test('a bulk that waited for a server that was away is not followed by a rest of minutes', async () => {
  const { bulks, write, sent } = held({ leastMs: 0, share: 1 / 10_000 })
  write(1)
  await sent(1)
  const slow = performance.now() + 10
  await waitUntil('the bulk has taken a while', () => performance.now() > slow, { everyMs: 5 })
  bulks[0]!.answer()
  write(1)
  await sent(2)
  expect(bulks[1]!.at - bulks[0]!.at).toBeLessThan(10_000)
})
