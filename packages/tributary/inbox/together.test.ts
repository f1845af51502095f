import { expect, test } from 'vitest'
import { together } from './together.ts'

/** Rounds that end when the test says so. */
function held(most: number) {
  const rounds: { items: readonly number[]; end: PromiseWithResolvers<void> }[] = []
  const share = together<number, void>(most, (items) => {
    const end = Promise.withResolvers<void>()
    rounds.push({ items, end })
    return end.promise
  })
  return { rounds, share }
}
const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

test('who calls in the same turn shares a round, who comes later the next one', async () => {
  const { rounds, share } = held(10)
  const first = [share([1, 2]), share([3])]
  await turns()
  const later = [share([4]), share([5])]
  await turns()
  expect(rounds.map(({ items }) => items)).toEqual([[1, 2, 3]])
  rounds[0]!.end.resolve()
  await Promise.all(first)
  await turns()
  expect(rounds.map(({ items }) => items)).toEqual([
    [1, 2, 3],
    [4, 5],
  ])
  rounds[1]!.end.resolve()
  await Promise.all(later)
})

test('a round holds so many items, but one caller always fits', async () => {
  const { rounds, share } = held(3)
  const all = [share([1, 2, 3, 4]), share([5, 6]), share([7, 8])]
  for (let i = 0; i < 3; i++) {
    await turns()
    rounds[i]!.end.resolve()
  }
  await Promise.all(all)
  expect(rounds.map(({ items }) => items)).toEqual([
    [1, 2, 3, 4],
    [5, 6],
    [7, 8],
  ])
})

test('a round that fails fails for those who took part, and for nobody else', async () => {
  const { rounds, share } = held(10)
  const failing = Promise.allSettled([share([1]), share([2])])
  await turns()
  const later = share([3])
  rounds[0]!.end.reject(new Error('away'))
  expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await turns()
  rounds[1]!.end.resolve()
  await later
})
