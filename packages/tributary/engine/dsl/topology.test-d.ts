import { topology } from '../index.ts'
import { type PlaceSet, Places, type ThingRow, type ThingSet, Things, toyRows } from '../testing/toys.ts'

/**
 * What must not compile. Every `@ts-expect-error` is a test: the compiler complains when the line below it is fine.
 */
const Rows = toyRows('types')

topology('types', ({ events, table }) => {
  const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event })
  const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event })

  // @ts-expect-error an event without a handler
  events(Things).evolve<ThingSet>({})

  // @ts-expect-error an event that isn't of this topic
  events(Things).only('PlaceSet')

  // @ts-expect-error a handler that makes another row than it says
  events(Things).evolve<ThingSet>({ ThingSet: (_, event) => ({ place: event.place, size: 'large' }) })

  things.leftJoin(places, {
    // @ts-expect-error a foreign key of another type than the right table's key
    on: (thing) => thing.size,
    select: (thing) => thing,
  })

  things.leftJoin(places, {
    on: (thing) => thing.place,
    // @ts-expect-error the right side of a left join may be missing
    select: (_, place) => place.label,
  })

  things.outerJoin(places, {
    // @ts-expect-error so may the left side of an outer join
    select: (thing, place) => `${thing.size} ${place?.label}`,
  })

  // Both sides of an inner join are there.
  things.join(places, { on: (thing) => thing.place, select: (thing, place) => `${thing.size} ${place.label}` })

  // @ts-expect-error another shape than the topic's rows
  things.to(Rows)

  // @ts-expect-error a field of another type
  things.map((thing, key) => ({ key, text: thing.size })).to(Rows)

  things
    .groupBy((thing) => thing.place)
    .summarise((a) => ({
      // @ts-expect-error only numbers add up
      sum: a.sum((thing) => thing.place),
    }))

  const sums = things.groupBy((thing) => thing.place).summarise((a) => ({ size: a.sum((thing) => thing.size) }))
  sums.map((sum, key): ThingRow => ({ key, text: String(sum.size) }))
  // @ts-expect-error a figure the summary doesn't have
  sums.map((sum) => sum.count)

  // @ts-expect-error a rows topic isn't a topic of events
  events(Rows)

  return table(Rows, (row) => row.text.length)
    .map((length, key) => ({ key, text: String(length) }))
    .to(Rows)
})

topology('keys', ({ events }) => {
  type Id = string & { readonly id: true }
  const things = events(Things)
    .evolve<ThingSet>({ ThingSet: (_, event) => event })
    .groupBy((thing) => thing.place as Id | null)
    .summarise((a) => ({ n: a.count() }))
  const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event })
  const rows = things.map((sum, key) => ({ key, text: String(sum.n) }))

  // @ts-expect-error tables of different keys don't join by key
  rows.leftJoin(places, { select: (row) => row })

  return rows.to(Rows)
})
