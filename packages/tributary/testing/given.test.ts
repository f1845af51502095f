import { expect, test } from 'vitest'
import { eventsTopic } from '#contracts/topic'
import { topology } from '#engine'
import { type PlaceSet, Places, type ThingSet, Things, toyRows } from '#engine/testing/toys'
import { event, given, row, tombstone } from './index.ts'

const Rows = toyRows('given')
const labelled = topology('labelled', ({ events }) => {
  const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, place) => place })
  return events(Things)
    .evolve<ThingSet>({
      ThingSet: (_, thing) => {
        if (thing.size === 13) throw new Error('thirteen')
        return thing
      },
    })
    .leftJoin(places, {
      on: ({ place }) => place,
      select: ({ size }, place, key) => ({ key, text: `${size} ${place?.label ?? 'somewhere'}` }),
    })
    .to(Rows)
})
const thing = (key: string, place: string | null, size = 1) => event(Things, 'ThingSet', key, { place, size })
const place = (key: string, label: string) => event(Places, 'PlaceSet', key, { label })

test('what was given and what came then are the rows that are expected', () => {
  const scenario = given(labelled, [thing('t', 'p')])
  scenario.then(Rows, { t: { key: 't', text: '1 somewhere' } })
  scenario.when(place('p', 'here')).then(Rows, { t: { key: 't', text: '1 here' } })
  scenario.when(tombstone(Things, 't')).then(Rows, {})
})

test('rows that differ are named, each with its key and field', () => {
  const scenario = given(labelled, [thing('t', 'p'), thing('u', null)]).when(place('p', 'here'))
  const found = failureOf(() => scenario.then(Rows, { t: { key: 't', text: '1 there' }, v: { key: 'v', text: '' } }))
  expect(found.message.split('\n')).toEqual([
    "given.rows.1 isn't what was expected:",
    '  "t": text is "1 here", not "1 there"',
    '  "v" is missing',
    '  "u" is there: {"key":"u","text":"1 somewhere"}',
  ])
  expect(found).toMatchObject({ name: 'AssertionError', actual: { u: {} }, expected: { v: {} } })
})

test('some fields of some rows may be expected, and that a row is not there', () => {
  const scenario = given(labelled, [thing('t', 'p'), thing('u', null)])
  scenario.thenIncludes(Rows, { t: { text: '1 somewhere' }, v: null })
  expect(() => scenario.thenIncludes(Rows, { t: { text: '2' } })).toThrow('"t": text is "1 somewhere", not "2"')
  expect(() => scenario.thenIncludes(Rows, { t: null })).toThrow('"t" is there')
})

test('a dead letter that nobody expects fails a test, and so does an expected one that is none', () => {
  const scenario = given(labelled, [thing('t', null), thing('t', null, 13), thing('t', null, 2)])
  expect(() => scenario.then(Rows, {})).toThrow('"t" was set aside by things: thirteen')
  scenario.thenDeadLetters({ key: 't', message: 'thirteen' }).then(Rows, { t: { key: 't', text: '1 somewhere' } })
  expect(() => scenario.when(tombstone(Things, 't')).thenDeadLetters({ key: 't', message: 'thirteen' })).toThrow(
    '"t" was not set aside with thirteen',
  )
})

test('a topology whose rows hang on the order of what was given is found out, with the order', () => {
  let seen = ''
  const last = topology('last', ({ events }) =>
    events(Things)
      .evolve<ThingSet>({
        ThingSet: (_, thing) => {
          seen = String(thing.size)
          return thing
        },
      })
      .map((_, key) => ({ key, text: seen }))
      .to(Rows),
  )
  const scenario = (orders: number) => given(last, [thing('a', null, 1), thing('b', null, 2)], { orders })
  const rows = { a: { key: 'a', text: '1' }, b: { key: 'b', text: '2' } }
  scenario(1).then(Rows, rows)
  expect(() => scenario(20).then(Rows, rows)).toThrow(
    /comes to \d workers? in this order:\n {2}toy.things.events "[ab]" ThingSet/,
  )
})

test('the events of a key keep their order in all orders', () => {
  given(labelled, [thing('a', 'p', 1), place('p', 'x'), thing('a', 'p', 2), thing('b', null, 3), place('p', 'y')]).then(
    Rows,
    { a: { key: 'a', text: '2 y' }, b: { key: 'b', text: '3 somewhere' } },
  )
})

test('a topology reads the rows of another one', () => {
  const Copies = toyRows('copies')
  const copied = topology('copied', ({ table }) =>
    table(Rows)
      .map(({ text }, key) => ({ key, text: `copy of ${text}` }))
      .to(Copies),
  )
  given(copied, [row(Rows, { key: 'k', text: 'one' })]).then(Copies, { k: { key: 'k', text: 'copy of one' } })
})

test('topics that the topology has nothing to do with, and awaiting it, are refused', async () => {
  const Others = toyRows('others')
  expect(() => given(labelled, [row(Others, { key: 'k', text: '' })])).toThrow(`doesn't read "others.rows.1", but`)
  expect(() => given(labelled).then(Others, {})).toThrow(`doesn't write "others.rows.1", but given.rows.1`)
  await expect(async () => given(labelled) as unknown).rejects.toThrow('leave out the await')
})

function failureOf(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('it should have failed')
}

test('an event whose key is not the one of its topic is refused, with both', () => {
  const Loans = eventsTopic('loans', { ThingSet: Things.events.ThingSet }, { key: ({ size }) => size })
  expect(() => event(Loans, 'ThingSet', 'seven', { place: null, size: 7 })).toThrow(
    'loans.events keys this ThingSet by "7", not by "seven"',
  )
  expect(event(Loans, 'ThingSet', '7', { place: null, size: 7 })).toMatchObject({ key: '7' })
})
