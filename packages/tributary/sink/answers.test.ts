import { expect, test } from 'vitest'
import { type ItemAnswer, judge, reasonOf } from './answers.ts'

test.each([
  [200, 'applied'],
  [201, 'applied'],
  [409, 'superseded'],
  [429, 'busy'],
  [500, 'busy'],
  [503, 'busy'],
  [400, 'unclear'],
  [413, 'unclear'],
  [401, 'blocked'],
  [403, 'blocked'],
  [405, 'blocked'],
  [404, 'index-missing'],
] as const)('status %i without a reason means %s', (status, verdict) => {
  expect(judge({ status })).toBe(verdict)
})

const bad = (type: string, reason = '', more: object = {}): ItemAnswer => ({
  status: 400,
  error: { type, reason, ...more },
})

test.each([
  bad('document_parsing_exception', "[1:88] failed to parse field [day] of type [date]: 'someday'"),
  bad('strict_dynamic_mapping_exception'),
  bad('illegal_argument_exception', 'Document contains at least one immense term in field="city"', {
    caused_by: { type: 'max_bytes_length_exceeded_exception', reason: 'bytes can be at most 32766 in length' },
  }),
])('what says that the document does not fit its index is its own fault: %j', (answer) => {
  expect(judge(answer)).toBe('refused')
})

test.each([
  bad('index_closed_exception'),
  bad('illegal_argument_exception', 'pipeline with id [enrich] does not exist'),
  bad('fail_processor_exception', 'no'),
  bad('illegal_argument_exception', 'field [a] not present', { header: { processor_type: 'rename' } }),
  bad('document_parsing_exception', 'This limit can be set by changing the [index.mapping.nested_objects.limit] index'),
  { status: 200, result: 'noop' },
  { status: 404, error: { type: 'resource_not_found_exception' } },
  { status: 409, error: { type: 'snapshot_in_progress_exception' } },
  { status: 500, error: { type: 'illegal_state_exception', header: { processor_type: 'script' } } },
])('what lies in a setting or a pipeline is not the fault of the document: %j', (answer) => {
  expect(judge(answer)).toBe('blocked')
})

test('a reason names the cause, too', () => {
  const error = { type: 'document_parsing_exception', reason: 'failed to parse', caused_by: { reason: 'not a date' } }
  expect(reasonOf({ status: 400, error })).toBe('400 document_parsing_exception: failed to parse (not a date)')
})
