import { expect, onTestFinished, test } from 'vitest'
import { sinkApp } from '#contracts/apps'
import { deadLettersOf } from '#contracts/topic'
import { type Letter, letterRecord, OpenLetters } from '#runtime/dead-letters/letter'
import { openLog } from '#runtime/log'
import { waitUntil } from '#testing/wait-until'
import { OrderRows, SalesRows } from '../../../schemas/topics.ts'
import system from '../../../tributary.config.ts'
import { letterConcerns } from './exceptions.ts'
import { follow } from './follower.ts'
import type { Brokers } from './topics.ts'

/** A system in which everything is worked off at once, unless the test says otherwise. */
function world() {
  const state = {
    sinkIsBehind: false,
    index: 'first' as string | undefined,
    elasticsearchIsAway: false,
    open: new Map<string, OpenLetters>(),
    /** Topics that their processors don't know as they are, and what ids they have. */
    madeAnew: [] as string[],
    ids: 'first',
    /** Whether processors were reset and haven't committed anything since. */
    reset: false,
    /** Ends of the dead-letter topics, and how far they were read. */
    written: 0n,
    read: 0n,
    unread: new Map<string, string>(),
  }
  const brokers: Brokers = {
    topicsWithPrefix: async () => [],
    highWatermarks: async (topics) =>
      new Map(topics.map((topic) => [topic, new Map([[0, topic.endsWith('dead-letters') ? state.written : 1n]])])),
    behind: async (_, marks) => [...marks.keys()].filter((topic) => state.sinkIsBehind && topic === OrderRows.name),
    known: async () => ({ madeAnew: state.madeAnew, ids: state.ids, started: !state.reset }),
    close: async () => {},
  }
  const follower = follow({
    chain: system,
    audit: { complete: async () => new Map() },
    brokers,
    letters: {
      known: (app) => (app === undefined ? state.unread.size === 0 : !state.unread.has(app)),
      unread: () => state.unread,
      open: () => new Map([...state.open].map(([app, open]) => [app, open.all])),
      positions: () => new Map([[0, state.read]]),
      trouble: () => undefined,
    },
    async currentIndex(readModel) {
      if (state.elasticsearchIsAway) throw new Error('no answer')
      return readModel === 'orders' ? state.index : readModel
    },
    log: openLog('test', 'silent'),
  })
  onTestFinished(() => follower.stop())
  const complete = async (readModel: string) => (await follower.standings()).get(readModel)!.completeThrough > 0
  const except = async (readModel: string) => (await follower.standings()).get(readModel)!.except.map(({ key }) => key)
  return { state, follower, complete, except }
}

const letterOf = (app: string, topic: string, key: string): Letter => ({
  id: `${topic}/${key}`,
  app,
  topic,
  partition: 0,
  offset: 1,
  timestamp: 1,
  reason: 'unreadable',
  message: '',
  key,
  value: null,
  headers: [],
})

test('an index that another replaced is never said to be complete: each answer looks at it', async () => {
  const { state, follower, complete } = world()
  const mark = follower.mark()
  expect(await follower.waitFor(mark, 10_000)).toBe(true)
  expect(await complete('orders')).toBe(true)

  state.sinkIsBehind = true
  state.index = 'second'
  expect(await complete('orders')).toBe(false)
  expect(await complete('sellers')).toBe(true)
  expect(await follower.waitFor(mark, 1)).toBe(false)

  state.sinkIsBehind = false
  expect(await follower.waitFor(mark, 10_000)).toBe(true)
})

test('nothing is said of an index while nobody tells which one readers see', async () => {
  const { state, follower, complete } = world()
  expect(await follower.waitFor(follower.mark(), 10_000)).toBe(true)
  state.elasticsearchIsAway = true
  expect(await complete('orders')).toBe(false)
  expect(await follower.waitFor(follower.mark(), 600)).toBe(false)
  state.elasticsearchIsAway = false
  expect(await follower.waitFor(follower.mark(), 10_000)).toBe(true)
})

test('a mark waits for a front that was begun after it, whatever clocks say, and means nothing to another process', async () => {
  const { follower } = world()
  const other = world().follower
  const mark = follower.mark()
  expect(follower.knows(mark)).toBe(true)
  expect(other.knows(mark)).toBe(false)
  expect(await follower.waitFor(mark, 10_000)).toBe(true)
  expect(Number(follower.mark().split('.')[1])).toBeGreaterThan(Number(mark.split('.')[1]))
})

test('a read model is complete but for open dead letters of all that it is made by', async () => {
  const { state, follower, except } = world()
  const open = (letter: Letter) => {
    const letters = new OpenLetters()
    letters.take({ ...letterRecord(letter, new Date()), offset: 0 })
    state.open.set(letter.app, letters)
  }
  open(letterOf('processor-orders', 'orders.events', 'o1'))
  open(letterOf(sinkApp, SalesRows.name, 'day|SP|toys'))
  open(letterOf('orders.inbox', 'payments.events', 'p1'))
  expect(await follower.waitFor(follower.mark(), 10_000)).toBe(true)
  expect(await except('orders')).toEqual(['o1'])
  expect(await except('sales')).toEqual(['o1', 'day|SP|toys'])
  expect(await except('customers')).toEqual(['o1'])
})

test('a letter that was closed is an exception until what was replayed is searchable', async () => {
  const { state, follower, except } = world()
  const letters = new OpenLetters()
  letters.take({ ...letterRecord(letterOf('processor-orders', 'orders.events', 'o1'), new Date()), offset: 0 })
  state.open.set('processor-orders', letters)
  expect(await follower.waitFor(follower.mark(), 10_000)).toBe(true)
  state.sinkIsBehind = true
  state.open.clear()
  expect(await except('orders')).toEqual(['o1'])
  state.sinkIsBehind = false
  await follower.waitFor(follower.mark(), 10_000)
  await waitUntil('a front that was begun without the letter is complete', async () => {
    await follower.waitFor(follower.mark(), 10_000)
    return (await except('orders')).length === 0
  })
})

test('nothing is said before the dead letters that were written on the way are read', async () => {
  const { state, follower, complete } = world()
  state.written = 3n
  expect(await follower.waitFor(follower.mark(), 300)).toBe(false)
  expect(await complete('orders')).toBe(false)
  expect((await follower.standings()).get('orders')!.waitingFor).toMatch(/dead letters/)
  expect(deadLettersOf('processor-orders').name).toBe('processor-orders.dead-letters')
  state.read = 3n
  expect(await follower.waitFor(follower.mark(), 10_000)).toBe(true)
})

test('where letters can not be known, nothing is said of the read models that they are about, and all of the others', async () => {
  const { state, follower, complete } = world()
  state.unread.set('processor-sales', 'processor-sales.dead-letters')
  expect(await follower.waitFor(follower.mark(), 300)).toBe(false)
  await waitUntil('the others are complete', () => complete('sellers'))
  expect(await Promise.all((['orders', 'customers', 'sales'] as const).map(complete))).toEqual([true, true, false])
  expect((await follower.standings()).get('sales')!.waitingFor).toBe(
    'the dead letters of processor-sales: topic "processor-sales.dead-letters" doesn\'t exist',
  )
  state.unread = new Map([['payments.inbox', 'payments.inbox.dead-letters']])
  expect(await follower.waitFor(follower.mark(), 10_000)).toBe(true)
  expect(letterConcerns({ open: () => new Map(), unread: () => state.unread })).toMatchObject([
    { part: 'payments.inbox', remedy: 'npx --no tributary topics apply' },
  ])
})

test('nothing newer is said while a processor has not written its rows again to a topic that was made anew', async () => {
  const { state, follower } = world()
  expect(await follower.waitFor(follower.mark(), 10_000)).toBe(true)
  state.madeAnew = [SalesRows.name]
  const mark = follower.mark()
  expect(await follower.waitFor(mark, 300)).toBe(false)
  const waitingFor = (await follower.standings()).get('sales')!.waitingFor
  expect(waitingFor).toBe('processor-sales, since sales.rows.1 was made anew')
  state.madeAnew = []
  expect(await follower.waitFor(mark, 10_000)).toBe(true)
})

test('what was waited for on topics that were made anew meanwhile is waited for again', async () => {
  const { state, follower } = world()
  expect(await follower.waitFor(follower.mark(), 10_000)).toBe(true)
  state.sinkIsBehind = true
  const mark = follower.mark()
  expect(await follower.waitFor(mark, 300)).toBe(false)
  // The positions were of the first; what they say of the second isn't known before it is asked for anew.
  let asked = 0
  Object.defineProperty(state, 'ids', { get: () => `${asked++}`, configurable: true })
  state.sinkIsBehind = false
  expect(await follower.waitFor(mark, 1_000)).toBe(false)
  expect(asked).toBeGreaterThan(2)
  Object.defineProperty(state, 'ids', { get: () => 'second' })
  expect(await follower.waitFor(mark, 10_000)).toBe(true)
})

test('what was said of a read model is withdrawn when its processor was reset, whose rows were taken back', async () => {
  const { state, follower, complete } = world()
  expect(await follower.waitFor(follower.mark(), 10_000)).toBe(true)
  state.sinkIsBehind = true
  state.reset = true
  await waitUntil('the claim is withdrawn', async () => !(await complete('orders')))
  state.sinkIsBehind = false
  state.reset = false
  await waitUntil('it is complete again', () => complete('orders'))
})
