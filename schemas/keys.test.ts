import fc from 'fast-check'
import { expect, test } from 'vitest'
import { faultOf, type Kind } from '../packages/tributary/contracts/rules.ts'
import { paymentKey, reviewKey, type SalesGroup, salesKey, shipmentKey } from './keys.ts'

/** Values that doors take, made of what separates parts in keys or stands for it. */
const accepted = (kind: Kind, most = 6) =>
  fc
    .array(fc.constantFrom('A', '1', '-', '~', '0', '|', '%', '7C', '25', 'none', '~1', ' ', '가', '😀'), {
      minLength: 1,
      maxLength: most,
    })
    .map((parts) => parts.join(''))
    .filter((text) => faultOf(kind, text) === undefined)

const seller = fc.option(fc.oneof(accepted('id', 3), fc.constantFrom('none', '~none', '~0none')))

test('two shipments never have the same id', () => {
  expect(shipmentKey('A-1', '2')).not.toBe(shipmentKey('A', '1-2'))
  expect(shipmentKey('A', 'none')).not.toBe(shipmentKey('A', null))
  fc.assert(
    fc.property(accepted('id', 3), seller, accepted('id', 3), seller, (order, seller, otherOrder, otherSeller) => {
      fc.pre(order !== otherOrder || seller !== otherSeller)
      expect(shipmentKey(order, seller)).not.toBe(shipmentKey(otherOrder, otherSeller))
    }),
    { numRuns: 20_000 },
  )
})

test('two reviews, and two payments, never have the same key', () => {
  const id = accepted('id', 3)
  const sequence = fc.nat(100)
  fc.assert(
    fc.property(id, id, id, id, sequence, sequence, (order, review, otherOrder, otherReview, nth, otherNth) => {
      if (order !== otherOrder || review !== otherReview)
        expect(reviewKey(order, review)).not.toBe(reviewKey(otherOrder, otherReview))
      if (order !== otherOrder || nth !== otherNth)
        expect(paymentKey(order, nth)).not.toBe(paymentKey(otherOrder, otherNth))
    }),
    { numRuns: 10_000 },
  )
})

/** The group of a `salesKey`. */
function salesGroup(key: string): SalesGroup {
  const first = key.indexOf('|')
  const second = key.indexOf('|', first + 1)
  const state = key
    .slice(first + 1, second)
    .replaceAll('%7C', '|')
    .replaceAll('%25', '%')
  return { day: key.slice(0, first), state, category: key.slice(second + 1) }
}

test('the group of a sales key can be read off it, whatever is in state and category', () => {
  const text = fc.oneof(accepted('state'), fc.string({ unit: 'grapheme' }))
  fc.assert(
    fc.property(text, text, (state, category) => {
      const group = { day: '2018-08-07', state, category }
      expect(salesGroup(salesKey(group))).toEqual(group)
    }),
    { numRuns: 10_000 },
  )
})

test('keys of ordinary values are what they were', () => {
  expect(salesKey({ day: '2018-08-07', state: 'SP', category: 'health_beauty' })).toBe('2018-08-07|SP|health_beauty')
  expect(shipmentKey('53cdb2fc8bc7dce0b6741e2150273451', '289cdb325fb7e7f891c38608bf9e0962')).toBe(
    '53cdb2fc8bc7dce0b6741e2150273451-289cdb325fb7e7f891c38608bf9e0962',
  )
  expect(shipmentKey('o-1', null)).toBe('o-1-none')
})

/** Texts as long as a rule allows, of what takes the most bytes. */
const longest = (kind: Kind) =>
  fc
    .tuple(fc.constantFrom('|', '%', '~', '-', 'x', 'ü', '가', '😀'), fc.constantFrom('', 'a', 'aa', 'aaa'))
    .map(([character, end]) => {
      let text = end
      while (faultOf(kind, character + text) === undefined) text = character + text
      return text
    })

test('a sales key of whatever doors take is an _id of at most 512 bytes', () => {
  fc.assert(
    fc.property(longest('state'), longest('category'), (state, category) => {
      expect(Buffer.byteLength(salesKey({ day: '2018-08-07', state, category }))).toBeLessThanOrEqual(512)
    }),
  )
})

test("a shipment's id of whatever doors take is an id that doors take", () => {
  fc.assert(
    fc.property(longest('id'), longest('id'), (order, seller) => {
      expect(faultOf('shipmentId', shipmentKey(order, seller))).toBeUndefined()
    }),
  )
})
