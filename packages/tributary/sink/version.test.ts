import { expect, test } from 'vitest'
import { versionOf } from './version.ts'

test('a later record of a partition has a greater version', () => {
  expect(versionOf(1, 8)).toBeGreaterThan(versionOf(1, 7))
})

test('any record of a later generation beats every record of an earlier one', () => {
  expect(versionOf(2, 0)).toBeGreaterThan(versionOf(1, 2 ** 40 - 1))
})

test('the greatest version is still a whole number that JSON carries exactly', () => {
  expect(Number.isSafeInteger(versionOf(2 ** 13 - 1, 2 ** 40 - 1))).toBe(true)
})

test('what would run into another generation is refused', () => {
  expect(() => versionOf(0, 1)).toThrow('generation 0')
  expect(() => versionOf(1, 2 ** 40)).toThrow('offset')
})
