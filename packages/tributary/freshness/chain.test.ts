import { expect, test, vi } from 'vitest'
import { OrderRows, Orders } from '../../../schemas/topics.ts'
import { type Front, followProcessor, followSink } from './chain.ts'
import type { Stage } from './stages.ts'
import type { Brokers } from './topics.ts'

const { signal } = new AbortController()
const report = () => {}
const currentIndex = async () => 'orders-1'
const stage: Stage = { readModel: 'orders', group: 'p', inputs: [Orders.name], output: OrderRows.name, hops: 3 }

/** Counts questions; `again` resolves when some more were asked, so that what did not happen had its chance. */
function counter() {
  let asked = 0
  return {
    count: () => void asked++,
    async again(times = 3): Promise<void> {
      const until = asked + times
      await vi.waitFor(() => expect(asked).toBeGreaterThanOrEqual(until), { timeout: 10_000, interval: 5 })
    },
  }
}

/** Topics of one partition, and a group's positions on them. */
function world() {
  const ends = new Map<string, bigint>()
  const committed = new Map<string, bigint>()
  const questions = counter()
  const brokers: Brokers = {
    topicsWithPrefix: async () => [],
    highWatermarks: async (topics) =>
      new Map(topics.map((topic) => [topic, new Map(ends.has(topic) ? [[0, ends.get(topic)!]] : [])])),
    async behind(_, marks) {
      questions.count()
      const behind = [...marks].filter(([topic, p]) =>
        [...p.values()].some((mark) => (committed.get(topic) ?? -1n) < mark),
      )
      return behind.map(([topic]) => topic)
    },
    known: async () => ({ madeAnew: [], ids: '', started: true }),
    close: async () => {},
  }
  return { ends, committed, brokers, askedAgain: questions.again }
}
const front = (marks: Record<string, bigint>): Front => {
  return {
    number: 1,
    through: 1,
    marks: new Map(Object.entries(marks).map(([topic, mark]) => [topic, new Map([[0, mark]])])),
  }
}
/** Whether a promise is done, without waiting for it. */
function watch(promise: Promise<unknown>) {
  const state = { done: false }
  promise.then(() => {
    state.done = true
  })
  return state
}

test('a processor is done when its positions reach the noted ends, marker or not', async () => {
  const { committed, brokers, askedAgain } = world()
  committed.set(Orders.name, 9n)
  const followed = followProcessor(
    stage,
    front({ [Orders.name]: 10n }),
    brokers,
    async () => [],
    async () => {},
    signal,
    report,
  )
  const state = watch(followed)
  await askedAgain()
  expect(state.done).toBe(false)
  committed.set(Orders.name, 10n)
  await followed
})

test('what crosses partitions is followed from hop to hop', async () => {
  const { ends, committed, brokers, askedAgain } = world()
  committed.set(Orders.name, 10n)
  ends.set('p-exchange', 4n)
  committed.set('p-exchange', 2n)
  const followed = followProcessor(
    stage,
    front({ [Orders.name]: 10n }),
    brokers,
    async () => ['p-exchange'],
    async () => {},
    signal,
    report,
  )
  const state = watch(followed)
  await askedAgain()
  expect(state.done).toBe(false)
  // The first hop is worked off, and its transaction wrote the second.
  ends.set('p-exchange', 7n)
  committed.set('p-exchange', 4n)
  await askedAgain()
  expect(state.done).toBe(false)
  committed.set('p-exchange', 7n)
  await followed
})

test('topics that never come to rest hold it up for as many hops as a change can have, and no longer', async () => {
  const { ends, committed, brokers } = world()
  committed.set(Orders.name, 10n)
  let looks = 0
  const restless: Brokers = {
    ...brokers,
    async highWatermarks(topics) {
      if (topics.includes('p-exchange')) {
        looks++
        ends.set('p-exchange', BigInt(looks * 10))
        committed.set('p-exchange', BigInt(looks * 10))
      }
      return brokers.highWatermarks(topics)
    },
  }
  await followProcessor(
    stage,
    front({ [Orders.name]: 10n }),
    restless,
    async () => ['p-exchange'],
    async () => {},
    signal,
    report,
  )
  expect(looks).toBe(3)
})

test("another read model's rows count only once they hold everything up to the front", async () => {
  const { ends, committed, brokers, askedAgain } = world()
  const sales: Stage = { ...stage, readModel: 'sales', inputs: [OrderRows.name], hops: 0 }
  ends.set(OrderRows.name, 3n)
  committed.set(OrderRows.name, 3n)
  const ready = Promise.withResolvers<void>()
  const followed = followProcessor(
    sales,
    front({}),
    brokers,
    async () => [],
    () => ready.promise,
    signal,
    report,
  )
  const state = watch(followed)
  ends.set(OrderRows.name, 8n)
  ready.resolve()
  await askedAgain()
  expect(state.done).toBe(false)
  committed.set(OrderRows.name, 8n)
  await followed
})

test('says whom it waits for', async () => {
  const { ends, committed, brokers, askedAgain } = world()
  ends.set(OrderRows.name, 2n)
  const said: (string | undefined)[] = []
  const followed = followSink(OrderRows.name, brokers, currentIndex, signal, (what) => said.push(what))
  await askedAgain()
  committed.set(OrderRows.name, 2n)
  expect(await followed).toBe('orders-1')
  expect(said[0]).toBe('sink on orders.rows.1')
  expect(said.at(-1)).toBeUndefined()
})

test('an index that is gone is waited for, whatever the positions say', async () => {
  const { ends, committed, brokers } = world()
  ends.set(OrderRows.name, 2n)
  committed.set(OrderRows.name, 2n)
  let index: string | undefined
  const { count, again } = counter()
  const asked = async () => {
    count()
    return index
  }
  const state = watch(followSink(OrderRows.name, brokers, asked, signal, report))
  await again()
  expect(state.done).toBe(false)
  index = 'orders-2'
  await vi.waitFor(() => expect(state.done).toBe(true))
})

test('topics that a processor has only just made are followed, too', async () => {
  const { ends, committed, brokers, askedAgain } = world()
  let internal: string[] = []
  const followed = followProcessor(
    stage,
    front({ [Orders.name]: 10n }),
    brokers,
    async () => internal,
    async () => {},
    signal,
    report,
  )
  const state = watch(followed)
  await askedAgain()
  // At its first start it makes them, and then reads its inputs.
  internal = ['p-exchange']
  ends.set('p-exchange', 3n)
  committed.set(Orders.name, 10n)
  await askedAgain()
  expect(state.done).toBe(false)
  committed.set('p-exchange', 3n)
  await followed
})
