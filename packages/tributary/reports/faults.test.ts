import { expect, test } from 'vitest'
import { reportFaults } from './faults.ts'
import type { DocumentList, DocumentView, Filter, Panel, Report } from './report.ts'
import { list, report, reporting, view } from './testing/boats.ts'

const faults = (change: Partial<typeof reporting>) => reportFaults({ ...reporting, ...change })
const inReport = (change: Partial<Report>) => faults({ reports: [{ ...report, ...change }] })
const inPanel = (change: Partial<Panel>) => inReport({ panels: [{ ...report.panels[0]!, ...change }] })
const inFilter = (filter: Filter) => inReport({ panels: [], filters: [filter] })
const inList = (change: Partial<DocumentList>) => inReport({ list: { ...list, ...change } })
const inView = (change: Partial<DocumentView>) => faults({ documents: [{ ...view, ...change }] })

test('a sound definition has no faults, with or without what may be left out', () => {
  expect(faults({})).toEqual([])
  expect(faults({ documents: [], reports: [{ id: 'bare', title: 'Bare', panels: [] }] })).toEqual([])
})

test('what figures are written in has to be known', () => {
  expect(faults({ language: 'en_GB' })).toEqual(['language: "en_GB" is not a BCP 47 tag like "en" or "pt-BR"'])
  expect(faults({ timeZone: 'Auckland' })).toEqual([
    'timeZone: "Auckland" is not a time zone like "UTC" or "America/Sao_Paulo"',
  ])
  expect(faults({ currency: 'euro' })).toEqual(['currency: "euro" is not an ISO 4217 code like "EUR"'])
  const { currency: _, ...without } = reporting
  expect(reportFaults(without)).toContain(
    'reports[0] (hires).panels[0] (fees).format: money of which currency? The system says no `currency`',
  )
})

const panel = 'reports[0] (hires).panels[0] (fees)'
test.each([
  [{ measure: { kind: 'sum', field: 'fees' } }, `${panel}.measure: "hires" has no field "fees"`],
  [{ measure: { kind: 'sum', field: 'kind' } }, `${panel}.measure: "kind" holds no numbers`],
  [
    { measure: { kind: 'sum', field: 'guests.share' } },
    `${panel}.measure: "guests.share" and what the panel is split by have to lie in the same list of records, or in none`,
  ],
  [{ measure: { kind: 'ratio', sum: 'fees', over: 'hours' } }, `${panel}.measure: "hires" has no field "fees"`],
  [{ measure: { kind: 'ratio', sum: 'fee', over: 'kind' } }, `${panel}.measure: "kind" holds no numbers`],
  [
    { measure: { kind: 'ratio', sum: 'fee', over: 'guests.age' } },
    `${panel}.measure: "guests.age" and what the panel is split by have to lie in the same list of records, or in none`,
  ],
  [{ readModel: 'boats' }, `${panel}.readModel: there is no read model "boats"`],
  [{ only: [{ field: 'x', known: true }] }, `${panel}.only[0]: "hires" has no field "x"`],
  [{ by: { kind: 'time', field: 'kind' }, drill: 'when' }, `${panel}.by: "kind" is no moment or day of a document`],
  [
    { by: { kind: 'terms', field: 'guests.guestName' }, measure: { kind: 'documents' }, drill: 'guest' },
    `${panel}.by: "guests.guestName" is of a list of records: only sums, averages and ratios can be split by it`,
  ],
  [{ drill: 'who' }, `${panel}.drill: the report has no filter "who"`],
  [{ drill: 'berth' }, `${panel}.drill: bars can't set the filter "berth": it is of another kind`],
] as [Partial<Panel>, string][])('a panel with %j is refused', (change, fault) => {
  expect(inPanel(change)).toEqual([expect.stringContaining(fault)])
})

const filter = { kind: 'choice', name: 'f', label: 'F', fields: { hires: 'kind' }, choices: [] } as const
test.each([
  [{ ...filter, name: 'sort' }, 'the page has a parameter of this name'],
  [{ ...filter, name: 'hire' }, 'the page has a parameter of this name'],
  [{ ...filter, name: 'a b' }, 'a name has at most 40 letters and digits'],
  [{ ...filter, fields: { hires: 'beganAt' } }, '.fields.hires: "beganAt" is no text, number or boolean'],
  [{ ...filter, fields: { hires: 'fee', tides: 'boatId' } }, '.fields: these are of several types'],
  [{ ...filter, choices: { of: 'tides', most: 5 } }, '.choices: "fields" says no field of "tides"'],
  [{ ...filter, choices: { of: 'hires', most: 0 } }, '.choices.most: is 1 to 1,000'],
  [{ ...filter, kind: 'time' }, '.fields.hires: "kind" is no moment or day'],
  [
    { kind: 'check', name: 'f', label: 'F', where: { hires: { field: 'x', is: 1 } } },
    '.where.hires: "hires" has no field "x"',
  ],
] as [Filter, string][])('a filter like %j is refused', (one, fault) => {
  expect(inFilter(one)).toEqual([expect.stringContaining(`reports[0] (hires).filters[0] (${one.name})`)])
  expect(inFilter(one)[0]).toContain(fault)
})

test('a second filter by time, or of the same name, is refused', () => {
  const [when, berth] = report.filters!
  expect(inReport({ filters: [...report.filters!, { ...when!, name: 'again' }, berth!] })).toEqual([
    'reports[0] (hires).filters[5] (again): the report has a filter by time already',
    'reports[0] (hires).filters[6] (berth): there is another one of this name',
  ])
})

test.each([
  [{ readModel: 'boats' }, 'list.readModel: there is no read model "boats"'],
  [
    { columns: [{ field: 'guests.age', label: 'Age' }] },
    '.list.columns[0]: "guests.age" is no single value of a document',
  ],
  [{ columns: [{ field: 'boat', label: 'Boat' }] }, '.list.columns[0]: "boat" is no single value of a document'],
  [{ csv: [{ field: 'x', label: 'X' }] }, '.list.csv[0]: "hires" has no field "x"'],
  [{ sorts: [{ id: 'a', label: 'A', field: 'tags', order: 'asc' }] }, '.list.sorts[0]: nothing is ordered by "tags"'],
  [{ key: [] }, '.list.key: there is no field to tell documents apart'],
  [{ search: { fields: ['beganAt'] } }, '.list.search: "beganAt" is no text and no whole number'],
  [
    { search: { fields: [], texts: ['kind.words'] } },
    '.list.search.texts: no hint of "hires" maps "kind.words" as text',
  ],
] as [Partial<DocumentList>, string][])('a list with %j is refused', (change, fault) => {
  expect(inList(change)).toEqual([expect.stringContaining(fault)])
})

test.each([
  [{ fields: { x: {} } }, 'documents[0] (hires).fields: "hires" has no field "x"'],
  [{ fields: { kind: { link: 'boats' } } }, 'documents[0] (hires).fields.kind.link: there is no read model "boats"'],
  [{ fields: { guests: { columns: ['x'] } } }, '.fields.guests.columns: "hires" has no field "guests.x"'],
  [{ steps: { label: 'S', fields: ['kind'] } }, 'documents[0] (hires).steps: "kind" is no moment'],
  [{ sections: [{ title: 'S', fields: ['guests.age'] }] }, '.sections[0]: "guests.age" is no single value'],
  [{ parameter: 'page' }, 'documents (hires).parameter: the page has another parameter "page"; say one of its own'],
] as [Partial<DocumentView>, string][])('a document view with %j is refused', (change, fault) => {
  expect(inView(change)).toEqual([expect.stringContaining(fault)])
})
