import { expect, test } from 'vitest'
import { printable, printableLines } from './printable.ts'

test('what steers a terminal is shown instead', () => {
  expect(printable('a\u001B[2Jb\u009B31m\r\nc\u202E')).toBe('a\\u001b[2Jb\\u009b31m\\u000d\\u000ac\\u202e')
  expect(printable('São Paulo, 가, \u{1F600}')).toBe('São Paulo, 가, \u{1F600}')
})

test('text with lines keeps them, and no more', () => {
  expect(printableLines('a\n\tb\r\u001B]0;x\u0007')).toBe('a\n\tb\\u000d\\u001b]0;x\\u0007')
})

test('JSON stays the same value', () => {
  const value = { key: 'a\u009B\u2028\u202E"\n' }
  const text = printableLines(JSON.stringify(value, null, 2))
  expect(JSON.parse(text)).toEqual(value)
  expect(text).not.toMatch(/[\u009B\u2028\u202E]/)
})
