import { expect, test } from 'vitest'
import { Refresher } from './refresher.ts'

/** Refreshes that end when the test says so. */
function held() {
  const open: { resolve: () => void; reject: (error: unknown) => void }[] = []
  const refresh = () => new Promise<void>((resolve, reject) => open.push({ resolve, reject }))
  return { refresh, open, started: () => open.length }
}
const turns = () => new Promise((resolve) => setImmediate(resolve))
const untilStarted = async (refreshes: { started(): number }, count: number) => {
  while (refreshes.started() < count) await turns()
}

test('the first write is refreshed at once', async () => {
  const refreshes = held()
  const refresher = new Refresher(refreshes.refresh, new AbortController().signal)
  const searchable = refresher.searchable(1)
  await untilStarted(refreshes, 1)
  refreshes.open[0]!.resolve()
  await searchable
})

test('what is written while a refresh runs waits for the next one: that one may have begun too early', async () => {
  const refreshes = held()
  const refresher = new Refresher(refreshes.refresh, new AbortController().signal)
  const first = refresher.searchable(1)
  await untilStarted(refreshes, 1)
  let secondDone = false
  const second = refresher.searchable(1).then(() => {
    secondDone = true
  })
  refreshes.open[0]!.resolve()
  await first
  await turns()
  expect(secondDone).toBe(false)
  await untilStarted(refreshes, 2)
  refreshes.open[1]!.resolve()
  await second
})

test('under load refreshes are a second apart, however many writes there are', async () => {
  let count = 0
  const times: number[] = []
  const refresher = new Refresher(async () => {
    count++
    times.push(performance.now())
  }, new AbortController().signal)
  await refresher.searchable(1)
  await Promise.all(Array.from({ length: 20 }, () => refresher.searchable(1000)))
  expect(count).toBe(2)
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(990)
})

test('a refresh that fails is tried again, and those who wait are told only when it worked', async () => {
  let attempts = 0
  const failures: unknown[] = []
  const refresher = new Refresher(
    async () => {
      if (++attempts < 3) throw new Error('away')
    },
    new AbortController().signal,
    (error) => failures.push(error),
  )
  await refresher.searchable(1)
  expect(attempts).toBe(3)
  expect(failures).toHaveLength(2)
})

test('who waits is let go when the session ends', async () => {
  const stopped = new AbortController()
  const refresher = new Refresher(() => Promise.reject(new Error('away')), stopped.signal)
  const searchable = refresher.searchable(1)
  stopped.abort(new Error('over'))
  await expect(searchable).rejects.toThrow()
})
