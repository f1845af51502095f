import { expect, test } from 'vitest'
import { Ledger } from './ledger.ts'

const at = (below: bigint) => ({ below, unfinished: [] })
/** One look that finds these rows. */
function look(ledger: Ledger, ids: readonly string[], all = true): number {
  ledger.look()
  ledger.found(ids, at(BigInt(ledger.looks)), all)
  return ledger.looks
}

test('rows wait for their records, whichever comes first', () => {
  const ledger = new Ledger(at(0n))
  ledger.seen('early')
  const first = look(ledger, ['early', 'late'])
  expect(ledger.missing(first)).toBe(1)
  ledger.seen('late')
  expect(ledger.missing(first)).toBe(0)
})

test('what was found later does not hold up an earlier look', () => {
  const ledger = new Ledger(at(0n))
  const first = look(ledger, ['a'])
  look(ledger, ['b'])
  ledger.seen('a')
  expect(ledger.missing(first)).toBe(0)
  expect(ledger.missing()).toBe(1)
})

test('what was not there when the topic was read to its end is lost until a repeat arrives', () => {
  const ledger = new Ledger(at(0n))
  const first = look(ledger, ['a', 'b'])
  ledger.seen('b')
  ledger.judge(first)
  expect(ledger.lost).toEqual(['a'])

  // The repeat is a row of its own, with the id of the first.
  look(ledger, ['a'])
  expect(ledger.lost).toEqual([])
  expect(ledger.missing(first)).toBe(1)
  ledger.seen('a')
  expect(ledger.missing()).toBe(0)
  expect(ledger.lostCount).toBe(0)
})

test('a repeat that is in the topic before its row is found is no new loss', () => {
  const ledger = new Ledger(at(0n))
  ledger.judge(look(ledger, ['a']))
  ledger.seen('a')
  expect(ledger.missing()).toBe(0)
  look(ledger, ['a'])
  expect(ledger.missing()).toBe(0)
})

test('a row and its repeat that one look finds have come with the record of either', () => {
  const ledger = new Ledger(at(0n))
  for (const id of ['delivered', 'lost', 'delivered']) ledger.seen(id)
  look(ledger, ['lost', 'delivered', 'lost', 'delivered'])
  expect(ledger.missing()).toBe(0)
})

test('a repeat that is lost as well is lost', () => {
  const ledger = new Ledger(at(0n))
  const first = look(ledger, ['a'])
  ledger.judge(first)
  ledger.judge(look(ledger, ['a']))
  expect(ledger.lost).toEqual(['a'])
  expect(ledger.missing(first)).toBe(1)
})

test('records of rows that were found before are forgotten after a few looks, and never before their row had its chance', () => {
  const ledger = new Ledger(at(0n))
  ledger.seen('of the row that the next look finds')
  look(ledger, [])
  look(ledger, ['of the row that the next look finds'], false)
  expect(ledger.missing()).toBe(0)
  for (let i = 0; i < 100; i++) {
    ledger.seen(`found before ${i}`)
    look(ledger, [])
  }
  expect(ledger.size).toBeLessThan(5)
})
