import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type KeyValue, recordKey } from '#contracts/key'
import { inScratchSession } from '../testing/scratch-session.ts'
import { RECORD_KEY_SQL } from './record-key.ts'

/** PostgreSQL's texts have neither NUL nor half a surrogate pair; no event has them either. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => text.isWellFormed() && !text.includes('\0')),
  fc.constantFrom(
    '',
    '"',
    '\\',
    '\\"',
    ',',
    '":"',
    '{}',
    'null',
    '1',
    '\n',
    '\u0001',
    '\u001f',
    '\u007f',
    '\u2028',
    '😀',
    "'",
  ),
)
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -30, max: 30 }).map((power) => 10 ** power),
  fc.constantFrom(
    0,
    -0,
    0.1,
    1e21,
    1e21 - 2 ** 17,
    123456789012345680000,
    1e-6,
    9.5e-7,
    1e-7,
    5e-324,
    2 ** 53,
    1.7976931348623157e308,
  ),
)
const value: fc.Arbitrary<KeyValue> = fc.oneof(text, number, fc.boolean(), fc.constant(null))
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,3}$/)

test('a key is the one that recordKey writes, whatever its parts are', () =>
  inScratchSession(async (client) => {
    await client.query(RECORD_KEY_SQL)
    const some = fc.array(fc.dictionary(name, value, { maxKeys: 5 }), { minLength: 50, maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(some, async (all) => {
        const { rows } = await client.query(
          'select pg_temp.record_key(parts) as key from jsonb_array_elements($1::jsonb) with ordinality each (parts, at) order by at',
          [JSON.stringify(all)],
        )
        expect(rows.map(({ key }) => key)).toEqual(all.map((parts) => recordKey(parts)))
      }),
      { numRuns: 200 },
    )
  }))

test('columns of every type that a service has are written as the events have them', () =>
  inScratchSession(async (client) => {
    await client.query(RECORD_KEY_SQL)
    const { rows } = await client.query(`
      select pg_temp.record_key(jsonb_build_object(
        'seatNo', 7::int, 'boatNo', 8::bigint, 'depth', 2.50::numeric, 'width', 0.1::float8, 'day', date '2024-02-29',
        'name', 'a "b"'::text, 'open', true, 'of', null::text
      )) as key, pg_temp.record_key(null) as none`)
    const parts = {
      seatNo: 7,
      boatNo: 8,
      depth: 2.5,
      width: 0.1,
      day: '2024-02-29',
      name: 'a "b"',
      open: true,
      of: null,
    }
    expect(rows).toEqual([{ key: recordKey(parts), none: null }])
  }))

test.each([
  [`'[1]'`, 'a key is made of a record of values, not of array'],
  [`'{"a":{}}'`, 'part "a" of a key is object'],
  [`'{"á":1}'`, 'part "á" of a key: a name has letters'],
])('%s has no key, and it is said why', (parts, fault) =>
  inScratchSession(async (client) => {
    await client.query(RECORD_KEY_SQL)
    await expect(client.query(`select pg_temp.record_key(${parts})`)).rejects.toThrow(fault)
  }),
)
