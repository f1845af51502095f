import { expect, test } from 'vitest'
import { type Plan, plan, type Topology, topology } from '../index.ts'
import { type PlaceSet, Places, type ThingSet, Things, toyRows } from '../testing/toys.ts'
import { formOf, StateForms } from './state-form.ts'

const Rows = toyRows('formed')
const OtherRows = toyRows('formed-too')
const options = { app: 'app', command: 'npx reset app' }

/** Forms as a worker of this plan finds them that has restored what one of that plan wrote. */
function restored(of: Plan, was: Plan): StateForms {
  const before = new StateForms(formOf(was))
  const forms = new StateForms(formOf(of))
  forms.load(1, 'things\u0000t1', '{}')
  for (const { partition, key, value } of before.changes(new Set([1])))
    expect(forms.load(partition, key, value)).toBe(true)
  return forms
}

interface Edits {
  readonly sums?: string
  readonly more?: boolean
  readonly places?: boolean
  readonly again?: boolean
  readonly named?: boolean
  readonly written?: boolean
}
const edited = ({ sums = 'sums', more, places, again, named, written }: Edits = {}): Plan =>
  plan(
    topology('formed', ({ events, combine }) => {
      const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
      const labels = () => events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event }, { name: 'places' })
      const too = () => events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'again' })
      const groups = things
        .groupBy((thing) => thing.place, { name: sums })
        .summarise((a) => ({ n: a.count(), ...(more && { size: a.sum((thing) => thing.size) }) }))
      const other = named
        ? things.leftJoin(groups, { name: 'named', on: (thing) => thing.place, select: (_, of) => ({ n: of?.n }) })
        : things.map((thing) => ({ n: thing.size }))
      const rows = combine(
        { groups, other, ...(places && { labels: labels() }), ...(again && { again: too() }) },
        ({ groups: of }, key) => ({ key, text: String(of?.n) }),
      )
      return written ? [rows.to(Rows), rows.to(OtherRows)] : rows.to(Rows)
    }) satisfies Topology,
  )

test('state is gone on with by the topology that wrote it, and its form is written once', () => {
  const forms = restored(edited(), edited())
  expect(() => forms.check(options)).not.toThrow()
  expect(forms.changes(new Set([1]))).toEqual([])
  expect(forms.changes(new Set([1, 2])).map(({ partition }) => partition)).toEqual([2])
  forms.commit(forms.changes(new Set([1, 2])))
  expect(forms.changes(new Set([1, 2]))).toEqual([])
})

test('a partition without state is of any form', () => {
  expect(() => new StateForms(formOf(edited())).check(options)).not.toThrow()
})

test('state that does not say its form, or says an older one, is refused with what to do', () => {
  const refusal =
    /"app" keeps can't be gone on with: it was written by another version.*Stop "app", run `npx reset app`/
  const silent = new StateForms(formOf(edited()))
  silent.load(0, 'sums\u00002018-08-07|SP|toys', '{"n":1}')
  expect(() => silent.check(options)).toThrow(refusal)
  const older = new StateForms(formOf(edited()))
  older.load(0, '!form', JSON.stringify({ ...formOf(edited()), version: 1 }))
  expect(() => older.check(options)).toThrow(refusal)
})

test.each<[string, Edits, Edits, RegExp]>([
  ['an aggregate more', { more: true }, {}, /"sums" was "summarise 0 sums.*" and is "summarise 1 sums/],
  ['an aggregate less', {}, { more: true }, /"sums" was "summarise 1 sums.*" and is "summarise 0 sums/],
  ['a summary of another name', { sums: 'totals' }, {}, /"totals" \(summarise.*\) is new, and what came before/],
  ['a join by foreign key', { named: true }, {}, /"named" \(foreignJoin\) is new/],
  ['another table of a topic that was read', { again: true }, {}, /"again" \(reads toy.things.events\) is new/],
  ['another topic to write to', { written: true }, {}, /"to-formed-too.rows.1" \(sink\) is new/],
])('%s is refused: what came before is not in it', (_, now, before, reason) => {
  expect(() => restored(edited(now), edited(before)).check(options)).toThrow(reason)
})

test('a table of a topic that nothing read may be added, and any operator left out, and that is written at once', () => {
  for (const [now, before] of [
    [{ places: true }, {}],
    [{}, { places: true, again: true, named: true, written: true }],
  ] as const) {
    const forms = restored(edited(now), edited(before))
    expect(() => forms.check(options)).not.toThrow()
    expect(forms.changes(new Set()).map(({ partition }) => partition)).toEqual([1])
  }
})
