import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { poolsOf } from '../testing/values.ts'
import { contract } from './contract.ts'
import { fieldsWithoutKind } from './generate.ts'
import { eventFaults, faultOf } from './rules.ts'
import { isDay, parseRules } from './rules-file.ts'

const home = process.cwd()
let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tributary-rules-')))
  mkdirSync(join(folder, 'schemas'))
  writeFileSync(join(folder, 'tributary.config.ts'), '')
  const kinds = {
    day: { type: 'day', from: '2000-01-01', to: '2099-12-31', because: 'the line began then' },
    flag: { type: 'text', maxBytes: 4, pattern: '[A-Z]{2}|é', because: 'it is painted on the hull' },
    depth: { type: 'integer', min: 0, max: 9, because: 'the harbour is shallow' },
  }
  const fields = { sailsOn: 'day', flags: 'flag', depth: 'depth' }
  writeFileSync(join(folder, 'schemas', 'rules.json'), JSON.stringify({ kinds, fields }))
  process.chdir(folder)
})
afterAll(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

describe('a calendar day', () => {
  test.each(['2000-01-01', '2024-02-29', '2099-12-31'])('may be %s', (day) => {
    expect(faultOf('day', day)).toBeUndefined()
  })
  test.each([
    ...['2023-02-29', '2024-13-01', '2024-00-10', '2024-1-1', '24-01-01', '2024-01-01T00:00:00Z', ' 2024-01-01', ''],
    ...['２０２４-01-01', '2024-01-01\n', 20240101, null],
  ])('is not %j', (day) => {
    expect(faultOf('day', day)).toBe('must be a day of the calendar like 2018-08-07')
  })
  test.each(['1999-12-31', '2100-01-01'])('%s is beyond its ends, and it is said why', (day) => {
    expect(faultOf('day', day)).toBe('must be between 2000-01-01 and 2099-12-31: the line began then')
  })
  test('is what a date of the years 0 to 9999 begins with', () => {
    const date = fc.date({
      min: new Date('0000-01-01T00:00Z'),
      max: new Date('9999-12-31T23:59Z'),
      noInvalidDate: true,
    })
    fc.assert(fc.property(date, (at) => isDay(at.toISOString().slice(0, 10))))
  })
})

test('a pattern is for all of the text', () => {
  expect(['JP', 'é'].map((flag) => faultOf('flag', flag))).toEqual([undefined, undefined])
  expect(['JPN', 'jp', 'éé', 'JP\n'].map((flag) => faultOf('flag', flag))).toEqual(
    Array(4).fill('must match [A-Z]{2}|é: it is painted on the hull'),
  )
})

test('what is in a list of texts, in a list that may be null, and in a record is judged, each by its name', () => {
  const berth = { type: 'record', name: 'Berth', fields: [{ name: 'depth', type: 'int' }] }
  const flags = { type: 'array', items: 'string' }
  const fields = [
    { name: 'flags', type: flags },
    { name: 'berth', type: ['null', berth] },
    { name: 'berths', type: ['null', { type: 'array', items: 'Berth' }] },
  ]
  const judge = eventFaults(contract({ type: 'record', namespace: 'toys', name: 'Boat', fields }))
  expect(judge({ flags: ['JP'], berth: null, berths: null })).toEqual([])
  expect(judge({ flags: ['JP', 'x'], berth: { depth: 10 }, berths: null })).toEqual([
    'flags[] must match [A-Z]{2}|é: it is painted on the hull',
    'berth.depth must be between 0 and 9: the harbour is shallow',
  ])
})

test('histories are made of days and of texts of the pattern', () => {
  const fields = [
    { name: 'sailsOn', type: 'string' },
    { name: 'flags', type: { type: 'array', items: 'string' } },
  ]
  const schema = { type: 'record', name: 'Boat', fields }
  fc.assert(
    fc.property(poolsOf([schema], {}), ({ texts }) => {
      for (const kind of ['day', 'flag']) {
        expect(texts[kind]!.length).toBeGreaterThan(0)
        for (const text of texts[kind]!) expect(faultOf(kind, text)).toBeUndefined()
      }
    }),
  )
})

test('fields of events that have no kind are known; booleans, records and fields of rows alone need none', () => {
  const berth = {
    type: 'record',
    name: 'Berth',
    fields: [
      { name: 'width', type: 'int' },
      { name: 'depth', type: 'int' },
    ],
  }
  const fields = [
    { name: 'flags', type: { type: 'array', items: 'string' } },
    { name: 'sunk', type: ['null', 'boolean'] },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'berth', type: berth },
    { name: 'berths', type: { type: 'array', items: berth } },
  ]
  for (const [path, name] of [
    ['events/boats', 'BoatBuilt'],
    ['rows', 'BoatRow'],
  ] as const) {
    mkdirSync(join(folder, 'schemas', path), { recursive: true })
    const all = name === 'BoatRow' ? [{ name: 'age', type: 'int' }] : fields
    writeFileSync(join(folder, 'schemas', path, `${name}.avsc`), JSON.stringify({ type: 'record', name, fields: all }))
  }
  expect(fieldsWithoutKind()).toEqual(['at', 'berths', 'width'])
})

test('a bad file is refused, all of its faults at once, each with its place', () => {
  const kinds = {
    name: { type: 'text', maxBytes: 9, maxByte: 9, because: '' },
    code: { type: 'text', maxBytes: 9, pattern: '[', because: '' },
    day: { type: 'day', from: '2023-02-29', to: '2024-01-01', because: '' },
    size: { type: 'int', min: 0, max: 1, because: '' },
  }
  const faults = [
    'kinds.name: Unrecognized key: "maxByte"',
    'kinds.code.pattern: is no regular expression',
    'kinds.day.from: must be a day like 2018-08-07',
    `kinds.size.type: Invalid discriminator value. Expected 'text' | 'integer' | 'instant' | 'day'`,
  ]
  for (const fault of faults) expect(() => parseRules(JSON.stringify({ kinds }))).toThrow(fault)
  const known = { name: { type: 'text', maxBytes: 9, because: '' } }
  expect(() => parseRules(JSON.stringify({ kinds: known, fields: { boat: 'nmae' } }))).toThrow(
    'schemas/rules.json: fields.boat: there is no kind "nmae": write one, or take one of name',
  )
  expect(() => parseRules('{')).toThrow('schemas/rules.json is no JSON')
})
