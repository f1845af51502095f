import { expect, test } from 'vitest'
import { avroText, parseField } from './fields.ts'
import { singular, snake } from './names.ts'

test.each([
  ['fines', 'fine'],
  ['categories', 'category'],
  ['addresses', 'address'],
  ['boxes', 'box'],
  ['purchases', 'purchase'],
  ['status', 'status'],
  ['stock', 'stock'],
])('one of %s is called %s', (many, one) => {
  expect(singular(many)).toBe(one)
})

test('a column is called as its field, in words', () => {
  expect(snake('lentAtLibrary')).toBe('lent_at_library')
})

test('a field is what was asked for; a ? lets it be null', () => {
  expect(parseField('n:long')).toEqual({ name: 'n', type: 'long' })
  const instant = { type: 'long', logicalType: 'timestamp-millis' }
  expect(parseField('at:instant?')).toEqual({ name: 'at', type: ['null', instant], default: null })
})

test.each(['n', 'n:', 'n:text', 'N:int', 'new:int', 'a b:int', 'n:int??', ':int'])('"%s" is not a field', (text) => {
  expect(() => parseField(text)).toThrow(/is not a field: name:type|a field can't be called/)
})

test('a record is written with a field a line', () => {
  const record = { type: 'record', namespace: 'n', name: 'R', fields: [parseField('a:int?')] } as const
  const line = '    { "name": "a", "type": ["null", "int"], "default": null }\n'
  expect(avroText(record)).toBe(
    `{\n  "type": "record",\n  "namespace": "n",\n  "name": "R",\n  "fields": [\n${line}  ]\n}\n`,
  )
  expect(JSON.parse(avroText(record))).toEqual(record)
})
