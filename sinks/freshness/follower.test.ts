import { expect, onTestFinished, test } from 'vitest'
import { openLog } from '#runtime/log.ts'
import { OrderRows } from '#schemas/topics.ts'
import { waitUntil } from '../../tests/harness/wait-until.ts'
import type { Databases } from './databases.ts'
import { follow } from './follower.ts'
import type { Brokers } from './topics.ts'

const databases: Databases = {
  mark: async () => new Map(),
  behind: async () => [],
  close: async () => {},
}

test('what was said of an index is taken back when another takes its place, until that has caught up', async () => {
  let sinkIsBehind = false
  let index = 'first'
  const brokers: Brokers = {
    topicsWithPrefix: async () => [],
    highWatermarks: async (topics) => new Map(topics.map((topic) => [topic, new Map([[0, 1n]])])),
    behind: async (_, marks) => [...marks.keys()].filter((topic) => sinkIsBehind && topic === OrderRows.name),
    close: async () => {},
  }
  const currentIndex = async (readModel: string) => (readModel === 'orders' ? index : readModel)
  const follower = follow(databases, brokers, currentIndex, openLog('test', 'silent'))
  onTestFinished(() => follower.stop())
  const through = Date.now()
  expect(await follower.waitFor(through, 10_000)).toBe(true)
  const complete = (readModel: 'orders' | 'sellers') => follower.standings().get(readModel)!.completeThrough > 0
  expect(complete('orders')).toBe(true)

  sinkIsBehind = true
  index = 'second'
  await waitUntil('the claim is taken back', () => !complete('orders'))
  expect(await follower.waitFor(through, 1)).toBe(false)
  expect(complete('sellers')).toBe(true)

  sinkIsBehind = false
  expect(await follower.waitFor(through, 10_000)).toBe(true)
})
