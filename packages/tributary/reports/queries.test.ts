import { expect, test } from 'vitest'
import { listQuery } from './documents.ts'
import { filterQuery, type Scope, unusedFilters } from './filters.ts'
import { panelSearch } from './queries.ts'
import type { Panel } from './report.ts'
import { filters, hires, list, report, tides } from './testing/boats.ts'

const scope: Scope = {
  filters,
  readModels: new Map([hires, tides].map((model) => [model.name, model])),
  timeZone: 'Pacific/Auckland',
}
const filtered = (readModel: string, values: object) =>
  (filterQuery(scope, readModel, values as never) as { bool: { filter: unknown[] } }).bool.filter

test('a period is of days of the time zone for moments, and of days as such for days', () => {
  const january = { from: '2018-01-01', to: '2018-01-31' }
  const days = { gte: '2018-01-01', lte: '2018-01-31||/d' }
  expect(filtered('hires', january)).toEqual([{ range: { beganAt: { ...days, time_zone: 'Pacific/Auckland' } } }])
  expect(filtered('tides', january)).toEqual([{ range: { day: days } }])
  expect(filtered('tides', { day: '2018-01-31' })).toEqual([
    { range: { day: { gte: '2018-01-31', lte: '2018-01-31||/d' } } },
  ])
})

test('a filter in a list of records lets through what has such a record', () => {
  expect(filtered('hires', { guest: 'Ada' })).toEqual([
    { nested: { path: 'guests', query: { term: { 'guests.guestName': 'Ada' } } } },
  ])
})

test('the value that stands for nothing finds what has none, too', () => {
  expect(filtered('hires', { berth: 'at sea' })).toEqual([
    {
      bool: {
        should: [{ term: { 'boat.berth': 'at sea' } }, { bool: { must_not: { exists: { field: 'boat.berth' } } } }],
      },
    },
  ])
  expect(filtered('hires', { berth: 'north' })).toEqual([{ term: { 'boat.berth': 'north' } }])
})

test('a filter without a field in the read model is said to be unused, and is not in the query', () => {
  const values = { from: '2018-01-01', long: 'yes', number: '7' }
  expect(filtered('tides', values)).toEqual([{ range: { day: { gte: '2018-01-01' } } }])
  expect(unusedFilters(filters, 'tides', values)).toEqual(['Number', 'long ones'])
  expect(unusedFilters(filters, 'hires', values)).toEqual([])
})

test('bars over time are days of the time zone', () => {
  const axis = { fromMs: 0, toMs: 1, interval: 'day' } as const
  const histogram = (panel: Panel) =>
    // biome-ignore lint/suspicious/noExplicitAny: a request is looked into by name
    (panelSearch(scope, panel, {}, axis).aggs as any).on.aggs.by.date_histogram
  expect(histogram(report.panels[0]!)).toMatchObject({ field: 'beganAt', time_zone: 'Pacific/Auckland' })
  expect(histogram({ ...report.panels[1]!, by: { kind: 'time', field: 'day' } })).not.toHaveProperty('time_zone')
})

test('a word is looked for in numbers only where it is one', () => {
  const sought = (text: string) => JSON.stringify(listQuery(scope, list, { values: {}, text }))
  expect(sought('12')).toContain('{"term":{"hireNo":"12"}}')
  expect(sought('ada')).not.toContain('hireNo')
  expect(sought('ada')).toContain('{"nested":{"path":"guests","query":{"prefix":{"guests.guestName"')
  const numbered = { ...list, search: { fields: ['hireNo'] } }
  expect(listQuery(scope, numbered, { values: {}, text: 'ada' })).toEqual({ bool: { filter: [{ match_none: {} }] } })
})

test('a list has only the documents that it is of', () => {
  const paidBack = { ...list, only: [{ field: 'paid_back', is: true }] }
  expect(listQuery(scope, paidBack, { values: {}, text: '' })).toEqual({
    bool: { filter: [{ term: { paid_back: true } }] },
  })
})
