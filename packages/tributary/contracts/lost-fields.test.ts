import { expect, test } from 'vitest'
import { lostFields } from './lost-fields.ts'

const record = (...fields: object[]) => ({ type: 'record', name: 'Thing', fields })
const id = { name: 'id', type: 'string' }
const nullable = (name: string, more = {}) => ({ name, type: ['null', 'string'], default: null, ...more })

test('a field under another name is lost, and it is said how to keep it', () => {
  expect(lostFields(record(id, nullable('remark')), record(id, nullable('note')))).toEqual([
    '"remark" reads as null there, and "note" is read no more: where it is the same under another name, give it "aliases"',
  ])
})

test('an alias keeps it', () => {
  expect(lostFields(record(id, nullable('remark', { aliases: ['note'] })), record(id, nullable('note')))).toEqual([])
})

test('a field that is only added, or only removed, loses nothing without a word', () => {
  expect(lostFields(record(id, nullable('remark')), record(id))).toEqual([])
  expect(lostFields(record(id), record(id, nullable('note')))).toEqual([])
})

test('it is seen in lists and parts of a record, too', () => {
  const items = (field: object) => record(id, { name: 'items', type: { type: 'array', items: record(field) } })
  const part = (field: object) => record({ name: 'part', type: ['null', record(field)], default: null })
  for (const [of, path] of [
    [items, 'items.'],
    [part, 'part.'],
  ] as const) {
    expect(lostFields(of(nullable('remark')), of(nullable('note')))).toEqual([
      expect.stringMatching(new RegExp(`^"${path}remark" reads as null there, and "${path}note" is read no more`)),
    ])
  }
})
