import { expect, test } from 'vitest'
import { judge, reasonOf } from './answers.ts'

test.each([
  [200, 'applied'],
  [201, 'applied'],
  [409, 'superseded'],
  [429, 'retry'],
  [500, 'retry'],
  [503, 'retry'],
  [400, 'refused'],
  [413, 'refused'],
  [401, 'blocked'],
  [403, 'blocked'],
  [404, 'index-missing'],
] as const)('status %i means %s', (status, verdict) => {
  expect(judge({ status })).toBe(verdict)
})

test('a closed index is the fault of the index and not of the document', () => {
  expect(judge({ status: 400, error: { type: 'index_closed_exception' } })).toBe('blocked')
})

test('a reason names the cause, too', () => {
  const error = { type: 'document_parsing_exception', reason: 'failed to parse', caused_by: { reason: 'not a date' } }
  expect(reasonOf({ status: 400, error })).toBe('400 document_parsing_exception: failed to parse (not a date)')
})
