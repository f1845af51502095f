import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compare, compareTexts } from './order.ts'

const texts = fc.string({ unit: 'binary', maxLength: 6 })
const odd = fc.constantFrom('', 'a', '\u0000', '！x', '😀x', '\uFFFF', '\uE000', '\u{10000}', '\u{10FFFF}', '\uD7FF')
const text = fc.oneof(
  texts,
  odd,
  fc.tuple(odd, odd).map(([a, b]) => a + b),
)

test('texts are ordered as their UTF-8 bytes are, which is how Postgres orders them', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareTexts(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
    { numRuns: 2_000 },
  )
})

test('an emoji comes after a full-width letter', () => {
  expect(['😀x', '！x'].sort(compareTexts)).toEqual(['！x', '😀x'])
})

test('sort keys have one order, whatever they are made of', () => {
  const scalar = fc.oneof(text, fc.integer(), fc.constantFrom(-0, 0, Number.MAX_SAFE_INTEGER))
  const key = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }))
  fc.assert(
    fc.property(key, key, key, (a, b, c) => {
      expect(Math.sign(compare(a, b)) + Math.sign(compare(b, a))).toBe(0)
      if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0)
    }),
    { numRuns: 2_000 },
  )
  for (const bad of [Number.NaN, null, undefined, {}]) expect(() => compare(bad as never, 1)).toThrow()
})
