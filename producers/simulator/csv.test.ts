import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DataFault, type Row, readCsv } from './csv.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csv-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function rows<T>(text: string | Buffer, columns: string[], read: (row: Row) => T): Promise<T[]> {
  const path = join(folder, 'data.csv')
  await writeFile(path, text)
  const found: T[] = []
  for await (const row of readCsv(path, columns)) found.push(read(row))
  return found
}
const one = (column: string, value: string, read: (row: Row) => unknown) =>
  rows(`${column},other\n${value},x\n`, [column], read).then(([first]) => first)

test('a byte order mark, CRLF, quotes and values over several lines are read', async () => {
  const text = '\uFEFFid,"comment"\r\n"12345e6789",plain\r\n2,"first ""line""\r\nsecond, line"\r\n'
  expect(await rows(text, ['id', 'comment'], (row) => [row.text('id'), row.text('comment', 'comment')])).toEqual([
    ['12345e6789', 'plain'],
    ['2', 'first "line"\r\nsecond, line'],
  ])
})

test('any script, emoji and right-to-left come through, also where a chunk ends in a character', async () => {
  const text = 'são paulo 東京 😀 שלום'
  const lines = Array.from({ length: 20_000 }, (_, n) => `${n},${text}`)
  const read = await rows(`n,v\n${lines.join('\n')}\n`, ['n', 'v'], (row) => row.text('v'))
  expect(read).toHaveLength(20_000)
  expect(new Set(read)).toEqual(new Set([text]))
})

test('columns are found by name, whatever their order', async () => {
  expect(await rows('b,a\n1,2\n', ['a', 'b'], (row) => row.text('a') + row.text('b'))).toEqual(['21'])
})

test('text keeps leading zeros and blanks', async () => {
  expect(await one('zip', '01151', (row) => row.text('zip'))).toBe('01151')
  expect(await one('title', ' ', (row) => row.textOrNull('title'))).toBe(' ')
})

test.each([
  ['58.90', 5_890],
  ['58.9', 5_890],
  ['0.29', 29],
  ['1.15', 115],
  ['8.2', 820],
  ['100', 10_000],
  ['10000000.00', 1_000_000_000],
])('money %s is %i cents', async (value, cents) => {
  expect(await one('price', value, (row) => row.cents('price'))).toBe(cents)
})

test('times without a zone are UTC', async () => {
  expect(await one('at', '2018-02-28 23:59:59', (row) => row.instant('at'))).toBe(Date.UTC(2018, 1, 28, 23, 59, 59))
})

test('an empty value is null where it may be missing', async () => {
  const read = (row: Row) => [row.textOrNull('v'), row.countOrNull('v'), row.instantOrNull('v')]
  expect(await one('v', '', read)).toEqual([null, null, null])
})

describe('faults name file, line, column and what is wrong', () => {
  test.each<[string, (row: Row) => unknown, RegExp]>([
    ['', (row) => row.text('v'), /is empty/],
    ['1.234', (row) => row.cents('v'), /"1\.234" is not an amount of money/],
    ['-1.00', (row) => row.cents('v'), /"-1\.00" is not an amount of money/],
    ['1e3', (row) => row.cents('v'), /"1e3" is not an amount of money/],
    ['1.5', (row) => row.count('v'), /"1\.5" is not a whole number/],
    ['2018-02-30 00:00:00', (row) => row.instant('v'), /"2018-02-30 00:00:00" is not a time/],
    ['2018-01-31T23:59:59Z', (row) => row.instant('v'), /is not a time like 2018-01-31 23:59:59/],
  ])('value "%s"', async (value, read, what) => {
    const failed = one('v', value, read)
    await expect(failed).rejects.toThrow(DataFault)
    await expect(failed).rejects.toThrow(/^data\.csv line 2, column "v": /)
    await expect(failed).rejects.toThrow(what)
  })

  test.each(['\n', '\r\n'])('the line is the one where the row begins, lines ending in %j', async (end) => {
    const lines = ['\uFEFFid,comment,score', '1,"a', 'b",5', '', '2,"c', 'd', 'e",x', '']
    await expect(rows(lines.join(end), ['score'], (row) => row.count('score'))).rejects.toThrow(
      /^data\.csv line 5, column "score": "x"/,
    )
  })

  test('a missing column', async () => {
    await expect(rows('a,b\n1,2\n', ['a', 'c'], () => 0)).rejects.toThrow(
      /data\.csv line 1: column "c" is missing \(there are a, b\)/,
    )
  })

  test('a row with too few values', async () => {
    await expect(rows('a,b\r\n1,"2\r\n"\r\n3\r\n', ['a'], () => 0)).rejects.toThrow(
      'data.csv line 4 has 1 values, the header has 2: mend the line',
    )
  })

  test.each<[string, Buffer, RegExp]>([
    [
      'Windows-1252',
      Buffer.from('v\nx\ns\xe3o paulo\n', 'latin1'),
      /line 3: byte e3 at place 2 .* looks like Windows-1252 .*"ã"/,
    ],
    ['Windows-1252 in its last line', Buffer.from('v\nx\n\x80', 'latin1'), /line 3: byte 80 at place 1 .*"€"/],
    ['Windows-1252 far down', Buffer.from(`v\n${'ok\n'.repeat(200_000)}\xe9\n`, 'latin1'), /line 200002: byte e9/],
    ['UTF-16', Buffer.from('\ufeffv\nx\n', 'utf16le'), /line 1: it is not UTF-8: it looks like UTF-16/],
    ['UTF-16, big endian', Buffer.from('\ufeffv\nx\n', 'utf16le').swap16(), /looks like UTF-16/],
    ['UTF-16 without a mark', Buffer.from('v\nx\n', 'utf16le'), /looks like UTF-16/],
    ['UTF-8 that is cut off', Buffer.from('v\nx\n\xe2\x82', 'latin1'), /line 3: byte e2/],
    ['half a surrogate pair', Buffer.from('v\n\xed\xa0\x80\n', 'latin1'), /line 2: byte ed/],
  ])('bytes of %s', async (_, bytes, what) => {
    const failed = rows(bytes, ['v'], (row) => row.text('v'))
    await expect(failed).rejects.toThrow(DataFault)
    await expect(failed).rejects.toThrow(what)
    await expect(failed).rejects.toThrow(/^data\.csv line .*save the file as UTF-8/)
  })

  test.each([
    [';', '";"'],
    ['\t', 'a tab'],
    ['|', '"|"'],
  ])('values separated by %j', async (separator, shown) => {
    await expect(rows(`a${separator}b\n1${separator}2\n`, ['a', 'b'], () => 0)).rejects.toThrow(
      `data.csv line 1: the values are separated by ${shown}: save the file with commas`,
    )
  })

  test('numbers as some spreadsheets write them', async () => {
    for (const value of ['"1,50"', '1.5E3', '1 000.00', '$5', '٣']) {
      await expect(one('v', value, (row) => row.cents('v'))).rejects.toThrow(
        /^data\.csv line 2, column "v": .* is not an amount/,
      )
    }
    await expect(one('v', '"1,50"', (row) => row.cents('v'))).rejects.toThrow('after a point (not a comma)')
    for (const value of ['1.0', '1E3', '"1,000"']) {
      await expect(one('v', value, (row) => row.count('v'))).rejects.toThrow(
        /line 2, column "v": .* is not a whole number/,
      )
    }
  })

  test('values that break a rule', async () => {
    const cases: [string, (row: Row) => unknown, RegExp][] = [
      ['..', (row) => row.text('v', 'id'), /"\.\." must not be "\.\."/],
      ['가'.repeat(34), (row) => row.text('v', 'state'), /has 102 bytes, at most 100/],
      ['10000000.01', (row) => row.cents('v'), /must be between 0 and 1000000000/],
      ['9999-12-31 00:00:00', (row) => row.instant('v'), /must be between 1970/],
      ['6', (row) => row.count('v', 'score'), /must be between 1 and 5/],
    ]
    for (const [value, read, what] of cases) await expect(one('v', value, read)).rejects.toThrow(what)
  })

  test('a column that is there twice', async () => {
    await expect(rows('a,b,a\n1,2,3\n', ['a'], () => 0)).rejects.toThrow('data.csv line 1: there are two columns "a"')
  })

  test('a quote that is never closed', async () => {
    await expect(rows('a,b\n1,2\n3,"4\n5,6\n', ['a'], () => 0)).rejects.toThrow(/data\.csv line 3: Quote Not Closed/)
  })

  test('an empty file, a missing one, a folder', async () => {
    await expect(rows('', ['a'], () => 0)).rejects.toThrow(/data\.csv is empty: expected a header with a/)
    const read = async (path: string) => {
      for await (const _ of readCsv(path, ['a'])) throw new Error('unexpected')
    }
    await expect(read(join(folder, 'none.csv'))).rejects.toThrow(/none\.csv is missing: name the folder/)
    await expect(read(folder)).rejects.toThrow(/can't be read \(EISDIR\)/)
  })
})
