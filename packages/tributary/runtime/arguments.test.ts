import { expect, test } from 'vitest'
import { aboveZero, oneOf, positive, seconds, wholeNumber } from './arguments.ts'

const parsers = { wholeNumber, positive, aboveZero, seconds }

test.each<[keyof typeof parsers, string, number]>([
  ['wholeNumber', '0', 0],
  ['positive', '1', 1],
  ['aboveZero', '0.5', 0.5],
  ['seconds', '0', 0],
  ['seconds', '1.5', 1.5],
  ['seconds', '999999', 999_999],
])('%s takes "%s"', (parser, text, value) => {
  expect(parsers[parser](text)).toBe(value)
})

test.each<[keyof typeof parsers, readonly string[]]>([
  ['wholeNumber', ['-1', '+5', '1.5']],
  ['positive', ['0', '01']],
  ['aboveZero', ['0', '0.0', '-1', '.5']],
  ['seconds', ['-1', '1000000', '30s']],
])('%s refuses what is something else, or nothing', (parser, more) => {
  for (const text of [...more, '', ' ', ' 5', '5 ', '0x10', '1e3', 'NaN', 'Infinity', '1,000', 'ten', '٣']) {
    expect(() => parsers[parser](text), text).toThrow(/^It must be a /)
  }
})

test('a name is one of those that there are', () => {
  const part = oneOf('part', ['head', 'tail'])
  expect(part('tail')).toBe('tail')
  expect(() => part('tai')).toThrow('There is no such part; there are head, tail.')
})
