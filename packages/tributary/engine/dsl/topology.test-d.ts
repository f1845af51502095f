import { contract } from '#contracts/contract'
import { eventsTopic } from '#contracts/topic'
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

topology('groups by records', ({ events }) => {
  const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event })
  const kinds = things.groupBy(({ place, size }) => ({ place, large: size > 1 })).summarise((a) => ({ n: a.count() }))

  // The parts are in the row, with their types, beside the figures.
  kinds.map(({ place, large, n }): [string | null, boolean, number] => [place, large, n])
  // @ts-expect-error a part that the key doesn't have
  kinds.map((kind) => kind.size)
  // @ts-expect-error a part of another type
  kinds.map((kind): string => kind.place)

  // @ts-expect-error a part has to be a scalar
  things.groupBy((thing) => ({ of: [thing.place] }))
  // @ts-expect-error so a date has none
  things.groupBy(() => ({ day: new Date(0) }))
  // @ts-expect-error a key is a record or not one, and not sometimes this, sometimes that
  things.groupBy((thing) => (thing.size > 1 ? 'large' : { size: thing.size }))

  // @ts-expect-error a figure with the name of a part
  things.groupBy(({ size }) => ({ size })).summarise((a) => ({ size: a.count() }))

  const sizes = things.groupBy(({ size }) => ({ size })).summarise((a) => ({ n: a.count() }))
  // @ts-expect-error groups by other parts have other keys
  kinds.leftJoin(sizes, { select: (row) => row })

  // A row names such a group by the parts of its key.
  things.leftJoin(kinds, { on: ({ place }) => ({ large: true, place }), select: (_, kind) => kind?.n })
  // @ts-expect-error by all of them
  things.leftJoin(kinds, { on: ({ place }) => ({ place }), select: (_, kind) => kind?.n })
  // @ts-expect-error and not by a text
  things.leftJoin(kinds, { on: ({ place }) => place, select: (_, kind) => kind?.n })

  things.groupBy(({ place }) => ({ place }), { key: ({ place }) => `${place}` })
  // @ts-expect-error the key is written of its parts
  things.groupBy(({ place }) => ({ place }), { key: ({ size }) => `${size}` })

  return kinds.map(({ n }, key) => ({ key, text: String(n) })).to(Rows)
})

topology('children', ({ events }) => {
  type Id = string & { readonly id: true }
  const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event })
  const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event })
  const children = things.flatMap((thing) => [thing.size], { by: (size) => size })

  // @ts-expect-error what tells siblings apart is a text or a number
  things.flatMap((thing) => [thing], { by: (thing) => thing.place })
  // @ts-expect-error children aren't where their key is
  children.leftJoin(places, { select: (size) => size })
  // @ts-expect-error only children have parents
  things.backToParent()

  // Gathered, they have their parent's key, also after what was done to them on the way.
  const gathered = children
    .filter((size) => size > 1)
    .leftJoin(places, { on: () => 'p', select: (size, place) => ({ size, place }) })
    .backToParent()
    .summarise((a) => ({ size: a.sum((child) => child.size) }))
  things.leftJoin(gathered, { select: (thing, of) => thing.size + (of?.size ?? 0) })

  const ids = things.groupBy((thing) => thing.place as Id | null).summarise((a) => ({ n: a.count() }))
  const ofIds = ids
    .flatMap(({ n }) => [n])
    .backToParent()
    .summarise((a) => ({ n: a.count() }))
  ids.join(ofIds, { select: (id, of) => id.n + of.n })
  // @ts-expect-error which is another one than that of the places
  places.join(ofIds, { select: (place) => place })

  return ids.map(({ n }, key) => ({ key, text: String(n) })).to(Rows)
})

topology('inferred', ({ events }) => {
  const [Text, Opened] = [
    contract<{ text: string }>({ type: 'record', namespace: 'toys', name: 'Written', fields: [] }),
    contract<{ by: string }>({ type: 'record', namespace: 'toys', name: 'Opened', fields: [] }),
  ]
  const Letters = eventsTopic('letters', { Written: Text, Opened, Moved: Opened, Burnt: Opened }, { key: () => 7 })

  // What a row is follows from the handlers, what takes it away left out; the key stays the topic's.
  const letters = events(Letters).evolve({
    Written: (_, { text }) => ({ text, by: null }),
    Opened: (_, { by }, key) => ({ text: null, by, key }),
    Moved: (letter) => letter,
    Burnt: () => (Math.PI > 3 ? null : undefined),
  })
  letters.map(({ text, by }): [string | null, string | null] => [text, by])
  // @ts-expect-error nothing says that it has one
  letters.map(({ size }) => size)
  const others = events(Letters).evolve<{ text: string }>({
    Written: (_, event) => event,
    Opened: (letter) => letter,
    Moved: (letter) => letter && { ...letter },
    Burnt: () => null,
  })
  others.join(letters, { select: ({ text }, { by }) => text + by })

  events(Letters)
    .only('Opened')
    // @ts-expect-error a row that was there has to be known before
    .evolve({ Opened: (letter, { by }) => ({ text: letter?.text, by }) })
  // @ts-expect-error an event without a handler
  events(Letters).evolve({ Written: (_, { text }) => ({ text }), Opened: () => null })
  const written = events(Letters).only('Written')
  // @ts-expect-error a handler of no event
  written.evolve({ Written: () => 1, Opend: () => null })
  // @ts-expect-error a field that the event doesn't have
  written.evolve({ Written: (_, { size }) => ({ size }) })
  return []
})

topology('combined', ({ events, combine }) => {
  type Id = string & { readonly id: true }
  const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event })
  const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event })
  const ids = things.groupBy((thing) => thing.place as Id | null).summarise((a) => ({ n: a.count() }))

  combine({ things, places }, ({ things: thing, places: place }) => [thing?.size, place?.label])
  // @ts-expect-error any part may be missing
  combine({ things, places }, ({ places: place }) => place.label)
  // @ts-expect-error a part that isn't combined
  combine({ things, places }, ({ ids }) => ids)
  // @ts-expect-error tables of different keys
  combine({ things, ids }, (parts) => parts)
  // @ts-expect-error children aren't where their key is
  combine({ things, children: things.flatMap((thing) => [thing]) }, (parts) => parts)

  // The key is that of the tables, and null leaves it out.
  const both = combine({ ids, same: ids.map(({ n }) => n) }, ({ same }, key) => (same ? { id: key, same } : null))
  both.map(({ id, same }): [Id, number] => [id, same])
  // @ts-expect-error another shape than the topic's rows
  both.to(Rows)

  return both.map(({ same }, key) => ({ key, text: String(same) })).to(Rows)
})
