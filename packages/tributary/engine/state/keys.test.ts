import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changelogKey, fromChangelogKey, pairOf, partsOf } from './keys.ts'
import { MemoryStore } from './memory.ts'

/** Any UTF-16 whatever, with much of what keys are put together with. */
const text = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 }).map((units) => String.fromCharCode(...units)),
  fc
    .array(fc.constantFrom('\u0000', '\u0001', '\u0002', 'a', '|', '/', '\ud800', '\udc00'), { maxLength: 5 })
    .map((of) => of.join('')),
  fc.constantFrom('', '__proto__', 'constructor'),
)

test('a pair gives back its parts, so that no two pairs are the same key', () => {
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      expect(partsOf(pairOf(a, b))).toEqual([a, b])
      expect(partsOf(pairOf(pairOf(a, b), c))).toEqual([pairOf(a, b), c])
    }),
    { numRuns: 3_000 },
  )
})

test('a pair of ordinary texts is the two with a separator in between, as ever', () => {
  expect(pairOf('order-1', '7')).toBe('order-1\u00007')
  expect(changelogKey('things', 'a\u0000b')).toBe('things\u0000a\u0000b')
})

test('a changelog key comes back from its bytes as it was', () => {
  fc.assert(
    fc.property(fc.constantFrom('things', 'things.left'), text, (store, key) => {
      expect(fromChangelogKey(Buffer.from(changelogKey(store, key)).toString())).toEqual([store, key])
    }),
    { numRuns: 3_000 },
  )
})

test('a scan gives the keys of its first part and no other', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), text, (pairs, extra) => {
      const store = new MemoryStore('scanned', { scannable: true })
      for (const [first, second] of pairs) store.put(pairOf(first, second), 1)
      store.commit()
      for (const first of [...pairs.map(([each]) => each), extra]) {
        const wanted = new Set(pairs.filter(([each]) => each === first).map(([, second]) => second))
        expect(new Set([...store.scan(first)].map((key) => partsOf(key)[1]))).toEqual(wanted)
      }
    }),
  )
})
