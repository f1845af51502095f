import { expect, test } from 'vitest'
import { atMost, Busy } from './busy.ts'

test('no more run at a time than may; the others have their turn, in their order', async () => {
  const search = atMost(2, 10)
  const ends: (() => void)[] = []
  const begun: number[] = []
  const works = [0, 1, 2, 3].map((n) =>
    search(() => {
      begun.push(n)
      return new Promise<number>((resolve) => ends.push(() => resolve(n)))
    }),
  )
  expect(begun).toEqual([0, 1])
  ends[1]!()
  await works[1]
  expect(begun).toEqual([0, 1, 2])
  ends[0]!()
  ends[2]!()
  await works[2]
  ends[3]!()
  expect(await Promise.all(works)).toEqual([0, 1, 2, 3])
})

test('where even the waiting line is full, it is said at once; failures give their place free', async () => {
  const search = atMost(1, 1)
  const { promise, reject } = Promise.withResolvers<never>()
  const running = search(() => promise)
  const waiting = search(async () => 'had its turn')
  await expect(search(async () => 'never')).rejects.toThrow(Busy)
  reject(new Error('failed'))
  await expect(running).rejects.toThrow('failed')
  expect(await waiting).toBe('had its turn')
  expect(await search(async () => 'again')).toBe('again')
})
