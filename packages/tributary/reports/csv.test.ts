import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import { type CsvColumn, csvColumns, csvHead, csvLine } from './csv.ts'
import { list } from './testing/boats.ts'

const columns: CsvColumn[] = [
  { field: 'no', label: 'no' },
  { field: 'boat.berth', label: 'berth' },
  { field: 'fee', label: 'the fee', format: 'money' },
  { field: 'tip', label: 'tip', format: 'money' },
  { field: 'yen', label: 'yen', format: { kind: 'money', currency: 'JPY' } },
  { field: 'safe', label: 'safe' },
  { field: 'tags', label: 'tags' },
]
const hire = {
  no: 7,
  boat: { berth: 'north, "pier" 2\nleft' },
  fee: 1_234_567,
  tip: -5,
  yen: 1_200,
  safe: false,
}
const read = (...hires: object[]) =>
  parse(csvHead(columns) + hires.map((one) => csvLine(columns, 'EUR')(one as never)).join(''), {
    columns: true,
  }) as Record<string, string>[]

test('a stock CSV reader gets back what was written, commas, quotes and line breaks included', () => {
  expect(read(hire)[0]).toEqual({
    no: '7',
    berth: 'north, "pier" 2\nleft',
    'the fee': '12345.67',
    tip: '-0.05',
    yen: '1200',
    safe: 'false',
    tags: '',
  })
})

test('text that a spreadsheet would run stays text, in a list as well', () => {
  const berth = '=HYPERLINK("http://example.org")'
  expect(read({ ...hire, boat: { berth }, tags: ['=1+1', 'x'] })[0]).toMatchObject({
    berth: `'${berth}`,
    tags: "'=1+1,x",
  })
})

test('the columns of a file are those of the list, and what else stands in them', () => {
  expect(csvColumns(list).map(({ label }) => label)).toEqual(['No', 'Boat', 'Berth', 'Fee'])
  expect(csvColumns({ ...list, csv: columns })).toBe(columns)
})
