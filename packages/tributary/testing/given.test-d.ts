import type { topology } from '#engine'
import { Places, type ThingRow, Things, toyRows } from '#engine/testing/toys'
import { event, given, row, tombstone } from './index.ts'

/**
 * What must not compile. Every `@ts-expect-error` is a test: the compiler complains when the line below it is fine.
 */
const Rows = toyRows('types')
declare const things: ReturnType<typeof topology>

given(things, [
  event(Things, 'ThingSet', 't', { place: 'p', size: 1 }),
  tombstone(Things, 't'),
  row(Rows, { key: 'k', text: '' }),
])
  .when(event(Places, 'PlaceSet', 'p', { label: 'x' }))
  .then(Rows, { t: { key: 't', text: '' } })
  .thenIncludes(Rows, { t: { text: '' }, gone: null })
  .thenDeadLetters({ key: 't', message: /./ })

// @ts-expect-error an event of another topic
event(Things, 'PlaceSet', 'p', { label: 'x' })

// @ts-expect-error a field that is missing
event(Things, 'ThingSet', 't', { size: 1 })

// @ts-expect-error a field of another type
event(Things, 'ThingSet', 't', { place: 'p', size: '1' })

// @ts-expect-error a row of another shape
row(Rows, { key: 'k' })

// @ts-expect-error not a record
given(things).when({ key: 'k' })

// @ts-expect-error an expected row without a field
given(things).then(Rows, { t: { key: 't' } })

// @ts-expect-error a field that no row has
given(things).thenIncludes(Rows, { t: { label: 'x' } })

// @ts-expect-error events aren't what a topology leaves behind
given(things).then(Things, {})

const known: ThingRow = { key: 'k', text: '' }
given(things).then(Rows, { k: known })
