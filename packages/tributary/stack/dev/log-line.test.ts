import { expect, test } from 'vitest'
import { lineOf } from './log-line.ts'

const line = (fields: object) =>
  JSON.stringify({ level: 'info', time: '2026-01-02T03:04:05Z', name: 'loans', ...fields })

test('a message with its fields', () => {
  expect(lineOf(line({ msg: 'loans listens', port: 14002, of: ['a'] }))).toEqual({
    level: 'info',
    text: 'loans listens  port=14002  of=["a"]',
  })
})

test('an error with its stack, and not said twice', () => {
  const err = { type: 'Error', message: 'no such table', stack: 'Error: no such table\n    at f (file:///p/x.ts:1:2)' }
  expect(lineOf(line({ level: 'fatal', msg: 'loans stops: no such table', err }))).toEqual({
    level: 'error',
    text: 'loans stops: no such table\n    at f (file:///p/x.ts:1:2)',
  })
  expect(lineOf(line({ level: 'warn', msg: 'next try in an hour', err })).text).toBe(
    'next try in an hour\nError: no such table\n    at f (file:///p/x.ts:1:2)',
  )
})

test('what is no record of ours is shown as it is', () => {
  for (const text of ['tributary: a fault', '{"level":"info', '{"a":1}']) {
    expect(lineOf(text)).toEqual({ level: 'info', text })
  }
})
