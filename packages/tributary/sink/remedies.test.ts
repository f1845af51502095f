import { expect, test } from 'vitest'
import { ailmentOf, ailmentsOf } from './remedies.ts'

test.each([
  ['403 cluster_block_exception: index [i-1] blocked by: [FORBIDDEN/8/index write (api)];', 'index.blocks.write'],
  [
    '429 cluster_block_exception: index [i-1] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];',
    'index.blocks.read_only_allow_delete',
  ],
  [
    '403 cluster_block_exception: index [i-1] blocked by: [FORBIDDEN/6/cluster read-only (api)];',
    'cluster.blocks.read_only',
  ],
  ['400 illegal_argument_exception: pipeline with id [p] does not exist', 'index.default_pipeline'],
  [
    '400 document_parsing_exception: limit of [10] can be set by changing the [index.mapping.nested_objects.limit] index level setting',
    'index.mapping.nested_objects.limit',
  ],
] as const)('%s names its setting and what mends it', (reason, setting) => {
  const { what, remedy } = ailmentOf('i-1', reason)
  expect(what).toContain(setting)
  expect(remedy).toContain(setting)
})

test('another reason is told as it is', () => {
  expect(ailmentOf('i-1', '500 null_pointer_exception: oh')).toEqual({ what: '500 null_pointer_exception: oh' })
})

test('settings that are as they should be are nothing to tell', () => {
  const settings = { 'index.blocks.write': 'false', 'index.default_pipeline': '_none', 'index.uuid': 'u' }
  expect(ailmentsOf('i-1', settings)).toEqual([])
})
