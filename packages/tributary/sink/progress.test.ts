import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Progress } from './progress.ts'

test('a position moves only when everything before it is done', () => {
  const progress = new Progress()
  const first = progress.begin('orders/0', 10n)
  const second = progress.begin('orders/0', 20n)
  second.done()
  expect(progress.takeChanged()).toEqual(new Map())
  first.done()
  expect(progress.takeChanged()).toEqual(new Map([['orders/0', 20n]]))
  expect(progress.takeChanged()).toEqual(new Map())
})

test('whatever the order of answers, the position never passes a part that is open, and ends behind the last', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...Array(12).keys()], { minLength: 12 }), (order) => {
      const progress = new Progress()
      const tickets = Array.from({ length: 12 }, (_, i) => progress.begin('t/0', BigInt(i + 1)))
      const done = new Set<number>()
      for (const at of order) {
        tickets[at]!.done()
        done.add(at)
        const gapless = [...Array(12).keys()].findIndex((i) => !done.has(i))
        const position = progress.takeChanged().get('t/0')
        if (position !== undefined) expect(position).toBe(BigInt(gapless === -1 ? 12 : gapless))
      }
      expect(progress.idle).toBe(true)
    }),
  )
})

test('positions that could not be committed come again, at their newest', () => {
  const progress = new Progress()
  progress.begin('orders/0', 10n).done()
  progress.takeChanged()
  progress.putBack(['orders/0'])
  progress.begin('orders/0', 15n).done()
  expect(progress.takeChanged()).toEqual(new Map([['orders/0', 15n]]))
})
