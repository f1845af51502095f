import { expect, test } from 'vitest'
import { z } from 'zod'
import { integerInPath } from './values.ts'

const inPath = integerInPath('itemNo')

test('a number in a path is its digits, and nothing else', () => {
  expect(['1', '7', '2147483647'].map((digits) => inPath.parse(digits))).toEqual([1, 7, 2147483647])
  const others = ['', ' 7', '7 ', '07', '+7', '7.0', '7e0', '0x7', '1_000', 'seven', '٧', '99999999999999999999']
  expect(others.filter((text) => inPath.safeParse(text).success)).toEqual([])
})

test('it keeps the rule of its kind, which says why', () => {
  expect(inPath.safeParse('0').error?.issues[0]?.message).toBe(
    'must be between 1 and 2147483647: it is an int of 32 bits everywhere',
  )
  expect(inPath.safeParse('x').error?.issues[0]?.message).toBe('must be a whole number, in digits')
})

test('it can be described to callers', () => {
  const described = z.toJSONSchema(z.object({ itemNo: inPath }), { target: 'draft-7', io: 'input' })
  expect(described).toMatchObject({ properties: { itemNo: { type: 'string', pattern: '^(0|-?[1-9]\\d*)$' } } })
})
