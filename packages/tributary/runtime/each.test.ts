import { expect, test } from 'vitest'
import { eachOnItsOwn, throwFailed } from './each.ts'

test('one part that fails leaves the others done, and all that failed are named', async () => {
  const each = await eachOnItsOwn(['a', 'b', 'c', 'd'], async (part) => {
    if (part === 'b' || part === 'd') throw new Error(`${part} is ill`)
    return part.toUpperCase()
  })
  expect([...each.done]).toEqual([
    ['a', 'A'],
    ['c', 'C'],
  ])
  expect(() => throwFailed(each)).toThrow('b: b is ill\nd: d is ill')
  expect(() => throwFailed({ failed: new Map() })).not.toThrow()
})
