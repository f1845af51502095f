import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contract } from './contract.ts'
import { type KeyValue, keyText, recordKey } from './key.ts'
import { eventsTopic, rowsTopic } from './topic.ts'

const value: fc.Arbitrary<KeyValue> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom('', '"', '\\', ',', '":"', '{}', 'null', '1', '\u0000', '\u2028', '\uD800'),
  fc.integer({ min: -2, max: 2 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
)
const name = fc.oneof(fc.constantFrom('a', 'b', '1', '10', '"', ':', ''), fc.string({ maxLength: 3 }))
const parts = fc.dictionary(name, value, { maxKeys: 4 })
/** JSON has no negative zero, and to nobody it is another value. */
const plain = (of: Readonly<Record<string, KeyValue>>) =>
  new Map(Object.entries(of).map(([name, each]) => [name, each === 0 ? 0 : each]))

test('the parts can be read off their key, and different parts have different keys', () => {
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      expect(plain(JSON.parse(recordKey(one)))).toEqual(plain(one))
      const same = JSON.stringify([...plain(one)].sort()) === JSON.stringify([...plain(other)].sort())
      expect(recordKey(one) === recordKey(other)).toBe(same)
    }),
    { numRuns: 5_000 },
  )
})

test('the order in which parts are named makes no difference', () => {
  expect(recordKey({ state: 'SP', day: '2018-08-07', n: 3, open: false, of: null })).toBe(
    '{"day":"2018-08-07","n":3,"of":null,"open":false,"state":"SP"}',
  )
  fc.assert(
    fc.property(parts, (one) => {
      expect(recordKey(Object.fromEntries(Object.entries(one).reverse()))).toBe(recordKey(one))
    }),
  )
})

test.each([
  [{ n: Number.NaN }, /part "n" of a key is NaN/],
  [{ n: Number.POSITIVE_INFINITY }, /part "n" of a key is Infinity/],
  [{ n: undefined }, /part "n" of a key is undefined/],
  [{ n: 1n }, /part "n" of a key is a bigint/],
  [{ n: {} }, /part "n" of a key is \[object Object\]/],
  [['a'], /a key is a text, a whole number or a record of values, not \[object Array\]/],
  [new Date(0), /not \[object Date\]/],
  [Promise.resolve('a'), /not \[object Promise\]/],
])('what has no one text is refused: %s', (of, reason) => {
  expect(() => recordKey(of as never)).toThrow(reason)
})

test('a text is its own key, a whole number has its digits, a record is written as ever', () => {
  expect(keyText('a b')).toBe('a b')
  expect([0, -0, 7, -12, Number.MAX_SAFE_INTEGER].map(keyText)).toEqual(['0', '0', '7', '-12', '9007199254740991'])
  expect(keyText({ no: 7, day: 'mon' })).toBe('{"day":"mon","no":7}')
})

test.each([[1.5], [Number.NaN], [2 ** 53], [1e21], [true], [undefined], [new Date(0)]])(
  'what would have another text for somebody else is no key: %s',
  (of) => {
    expect(() => keyText(of as never)).toThrow(/a key (is|that is a number)/)
  },
)

interface Event {
  readonly no: number
  readonly day: string
}
const of = contract<Event>({ type: 'record', namespace: 'toys', name: 'Event' })

test('topics write the keys that numbers and records make', () => {
  const numbered = eventsTopic('toys', { Came: of, Left: of }, { key: (event) => event.no })
  expect(numbered.keyOf('Left', { no: 7, day: 'mon' })).toBe('7')
  const mixed = eventsTopic(
    'toys',
    { Came: of, Left: of },
    { key: { Came: ({ no }) => no, Left: ({ day }) => ({ day }) } },
  )
  expect(mixed.keyOf('Came', { no: 7, day: 'mon' })).toBe('7')
  expect(mixed.keyOf('Left', { no: 7, day: 'mon' })).toBe('{"day":"mon"}')
  expect(rowsTopic('toys', of, { key: ({ day, no }) => ({ no, day }) }).key({ no: 7, day: 'mon' })).toBe(
    '{"day":"mon","no":7}',
  )
})
