import { expect, test } from 'vitest'
import { describePage } from './describe.ts'
import { hires, reporting, tides, view } from './testing/boats.ts'
import { compileView } from './view.ts'

test('without a word about it, a document is shown by its schema', () => {
  const { parameter, badges, steps, sections, tables } = compileView(hires)
  expect({ parameter, badges, steps }).toEqual({ parameter: 'hires', badges: [], steps: undefined })
  expect(
    sections.map(({ title, fields }) => [title, fields.map(({ label, format }) => `${label}: ${format}`)]),
  ).toEqual([
    [
      'Fields',
      [
        'Hire no: number',
        'Kind: text',
        'Began at: date',
        'Ended at: date',
        'Hours: number',
        'Fee: number',
        'Paid back: yes-no',
        'Tags: text',
      ],
    ],
    ['Boat', ['Boat id: text', 'Berth: text']],
  ])
  expect(tables).toMatchObject([
    {
      field: 'guests',
      label: 'Guests',
      none: 'None.',
      columns: [{ field: 'guestName' }, { field: 'age' }, { field: 'share' }],
    },
  ])
  expect(compileView(tides).sections[0]!.fields[1]).toEqual({ field: 'day', label: 'Day', format: 'day' })
})

test('what a definition sets apart stands there, and everything else follows', () => {
  const { parameter, badges, steps, sections, tables } = compileView(hires, view)
  expect(parameter).toBe('hire')
  expect(badges).toEqual([{ field: 'kind', format: 'text' }])
  expect(steps!.moments.map(({ field, planned }) => [field, planned])).toEqual([
    ['beganAt', false],
    ['endedAt', true],
  ])
  expect(sections.map(({ title, fields }) => [title, fields.map(({ field }) => field)])).toEqual([
    ['Money', ['fee']],
    ['Fields', ['hours', 'paid_back', 'tags']],
    ['Boat', ['boat.boatId', 'boat.berth']],
  ])
  expect(sections[0]!.fields[0]!.format).toBe('money')
  expect(sections[2]!.fields[0]!.link).toBe('tides')
  expect(tables[0]!.columns.map(({ field }) => field)).toEqual(['share', 'guestName'])
})

test('the page is told everything it shows, and no query', () => {
  const page = JSON.parse(JSON.stringify(describePage(reporting)))
  expect(page).toMatchObject({ title: 'Boats', language: 'en', timeZone: 'Pacific/Auckland', currency: 'JPY' })
  expect(page.reports[0].filters[0]).toEqual({ name: 'when', label: 'When', kind: 'time' })
  expect(page.reports[0].filters[1]).toEqual({ name: 'berth', label: 'Berth', kind: 'choice', all: 'All' })
  expect(page.reports[0].list.columns[1]).toEqual({
    field: 'boat.boatId',
    label: 'Boat',
    format: 'text',
    also: [{ field: 'boat.berth', format: 'text' }],
  })
  expect(page.documents.map(({ readModel }: { readModel: string }) => readModel)).toEqual(['hires', 'tides'])
})
