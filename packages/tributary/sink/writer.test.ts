import { type Client, errors } from '@elastic/elasticsearch'
import { expect, test } from 'vitest'
import { openLog } from '#runtime/log'
import { Registry } from '#runtime/metrics'
import { waitUntil } from '#testing/wait-until'
import type { ItemAnswer } from './answers.ts'
import { Places } from './gate.ts'
import { sinkMetrics } from './metrics.ts'
import { type Answer, Writer } from './writer.ts'

interface Bulk {
  readonly ids: readonly string[]
  readonly documents: number
  readonly refresh: boolean
  readonly at: number
  /** Answers with what is given for a document, and takes the others. */
  answer(refusals?: Readonly<Record<string, ItemAnswer>>): void
  fail(error: Error): void
}

/** A writer whose bulks are answered when the test says so: how they overlap can't be arranged with a real server. */
function held(pace = { leastMs: 0, share: 1 }) {
  const bulks: Bulk[] = []
  const answers: Answer[] = []
  const answered = new Map<string, Answer['verdict']>()
  const troubles: (string | undefined)[] = []
  const client = {
    bulk: ({ operations, refresh }: { operations: string[]; refresh: boolean }) => {
      const { promise, resolve, reject } = Promise.withResolvers<object>()
      const ids = operations.filter((_, i) => i % 2 === 0).map((line) => JSON.parse(line).index._id as string)
      bulks.push({
        ids,
        documents: ids.length,
        refresh,
        at: performance.now(),
        answer: (refusals = {}) => resolve({ items: ids.map((id) => ({ index: refusals[id] ?? { status: 200 } })) }),
        fail: reject,
      })
      return promise
    },
  }
  const writer = new Writer({
    client: client as unknown as Client,
    index: 'rows-1',
    alias: 'rows-1.write',
    pace,
    places: new Places(),
    metrics: sinkMetrics(new Registry()),
    log: openLog('test', 'silent'),
    signal: new AbortController().signal,
    troubled: (_, why) => void troubles.push(why),
    onFailed: (error) => expect.unreachable(String(error)),
  })
  const writeAs = (...ids: string[]) => {
    writer.add(
      ids.map((id) => ({
        id,
        version: 1,
        body: '{}',
        answered(answer: Answer) {
          answers.push(answer)
          answered.set(id, answer.verdict)
        },
      })),
    )
  }
  const write = (count: number) => writeAs(...Array.from({ length: count }, (_, i) => `d${i}`))
  const sent = (count: number) => waitUntil(`${count} bulks were sent`, () => bulks.length === count)
  return { bulks, answers, answered, troubles, write, writeAs, sent }
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

const unfit: ItemAnswer = { status: 400, error: { type: 'document_parsing_exception', reason: 'not a date' } }
const unheard: ItemAnswer = { status: 400, error: { type: 'never_heard_of_exception', reason: 'who knows' } }
const dropped: ItemAnswer = { status: 200, result: 'noop' }
const forbidden: ItemAnswer = { status: 403, error: { type: 'cluster_block_exception', reason: 'no' } }

test('a document that does not fit its index is refused, alone or among others', async () => {
  const { bulks, answered, writeAs, sent } = held()
  writeAs('bad')
  await sent(1)
  bulks[0]!.answer({ bad: unfit })
  await waitUntil('it is answered', () => answered.get('bad') === 'refused')
})

test('what is refused for an unknown reason waits while nothing is taken, and is refused once others are', async () => {
  const { bulks, answered, troubles, writeAs, sent } = held()
  writeAs('odd')
  await sent(1)
  bulks[0]!.answer({ odd: unheard })
  await sent(2)
  expect(answered.size).toBe(0)
  expect(troubles.at(-1)).toContain('who knows')
  writeAs('good')
  bulks[1]!.answer({ odd: unheard })
  await sent(3)
  expect(bulks[2]!.ids).toEqual(['odd', 'good'])
  bulks[2]!.answer({ odd: unheard })
  await waitUntil('both are answered', () => answered.size === 2)
  expect(Object.fromEntries(answered)).toEqual({ odd: 'refused', good: 'applied' })
  expect(troubles.at(-1)).toBeUndefined()
})

test('where nothing is taken, all that waits is tried with one bulk, and nothing is lost', async () => {
  const { bulks, answers, write, sent } = held()
  write(2_500)
  await sent(2)
  const all = Object.fromEntries(Array.from({ length: 2_500 }, (_, i) => [`d${i}`, forbidden]))
  for (const bulk of bulks) bulk.answer(all)
  await sent(3)
  await turns()
  expect(bulks).toHaveLength(3)
  bulks[2]!.answer()
  for (let i = 3; answers.length < 2_500; i++) {
    await waitUntil('another bulk was sent', () => bulks[i] ?? answers.length === 2_500)
    bulks[i]?.answer()
  }
  expect(answers.every(({ verdict }) => verdict === 'applied')).toBe(true)
})

test('a server that is too busy gets less at a time, later, and everything in the end', async () => {
  const { bulks, answers, write, sent } = held()
  write(2_500)
  await sent(2)
  const busy: ItemAnswer = { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'queue is full' } }
  const all = Object.fromEntries(Array.from({ length: 2_500 }, (_, i) => [`d${i}`, busy]))
  for (const bulk of bulks) bulk.answer(all)
  await sent(3)
  expect(bulks[2]!.documents).toBeLessThan(1_000)
  bulks[2]!.answer()
  for (let i = 3; answers.length < 2_500; i++) {
    await waitUntil('another bulk was sent', () => bulks[i] ?? answers.length === 2_500)
    bulks[i]?.answer()
  }
  expect(answers.every(({ verdict }) => verdict === 'applied')).toBe(true)
})

test('what a pipeline drops waits by itself, holds up nothing, and is written when it passes', async () => {
  const { bulks, answered, troubles, writeAs, sent } = held()
  writeAs('dropped', 'good')
  await sent(1)
  bulks[0]!.answer({ dropped })
  await sent(2)
  expect(Object.fromEntries(answered)).toEqual({ good: 'applied' })
  expect(bulks[1]!.ids).toEqual(['dropped'])
  writeAs('other')
  await sent(3)
  expect(bulks[2]!.ids).toEqual(['other'])
  bulks[2]!.answer()
  await waitUntil('the other is answered', () => answered.has('other'))
  expect(troubles.at(-1)).toContain('pipeline')
  bulks[1]!.answer()
  await waitUntil('it is answered', () => answered.get('dropped') === 'applied')
  expect(troubles.at(-1)).toBeUndefined()
})

const refusal = (statusCode: number, body: unknown) => {
  const meta = { context: null, name: 'bulk', request: {}, connection: {}, attempts: 0, aborted: false } as never
  return new errors.ResponseError({ statusCode, body, headers: {}, warnings: null, meta } as never)
}

test('a request that is refused as a whole is halved down to the document at fault; the others are taken', async () => {
  const { bulks, answered, writeAs, sent } = held()
  writeAs('a', 'b', 'c', 'bad')
  await sent(1)
  for (let i = 0; answered.size < 4; i++) {
    const bulk = await waitUntil('a bulk was sent', () => bulks[i])
    if (bulk.ids.includes('bad')) bulk.fail(refusal(400, { error: { type: 'x_content_parse_exception' } }))
    else bulk.answer()
    await turns(20)
  }
  expect(Object.fromEntries(answered)).toEqual({ a: 'applied', b: 'applied', c: 'applied', bad: 'refused' })
})

test('where every document of such a request is refused, none is at fault: all wait', async () => {
  const { bulks, answered, troubles, writeAs, sent } = held()
  writeAs('a', 'b')
  await sent(1)
  for (let i = 0; i < 3; i++) {
    await sent(i + 1)
    bulks[i]!.fail(refusal(400, 'this proxy takes no bulk'))
  }
  await sent(4)
  expect(answered.size).toBe(0)
  expect(troubles.at(-1)).toContain('400')
  bulks[3]!.answer()
  await waitUntil('both are taken', () => answered.size === 2)
  expect([...answered.values()]).toEqual(['applied', 'applied'])
})

test('an answer that is not one of Elasticsearch is waited out', async () => {
  const { bulks, answered, writeAs, sent } = held()
  writeAs('a')
  await sent(1)
  bulks[0]!.fail(refusal(404, '<html>not here</html>'))
  await sent(2)
  bulks[1]!.fail(refusal(405, 'method not allowed'))
  await sent(3)
  bulks[2]!.answer()
  await waitUntil('it is taken', () => answered.get('a') === 'applied')
})
