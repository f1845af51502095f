import { contract } from '#contracts/contract'
import type { Id, NumberKey, Plain, RecordKey } from '#contracts/key'
import { eventsTopic, rowsTopic } from '#contracts/topic'
import { publish, publishes } from '#outbox/index'
import type { Transaction } from '#outbox/transaction'
import { drive } from '#testing/index'
import { type Table, topology } from '../index.ts'

/**
 * What ids keep from compiling. Every `@ts-expect-error` is a test: the compiler complains when the line below it is fine.
 */

interface OwnerCame {
  readonly ownerId: Id<'owner'>
  readonly city: string
}
interface BoatBuilt {
  readonly boatNo: Id<'boat', number>
  readonly ownerId: Id<'owner'>
  readonly status: string
  readonly crew: readonly { readonly sailorId: Id<'sailor'> | null }[]
}
interface BoatSunk {
  readonly boatNo: Id<'boat', number>
}
interface SailorHired {
  readonly sailorId: Id<'sailor'>
}
interface StayRow {
  readonly boatNo: Id<'boat', number>
  readonly day: string
  readonly ownerId: Id<'owner'>
}

const sailorKey = (sailorId: Id<'sailor'> | null) => sailorId && (`sailor/${sailorId}` as const)
const record = <T>(name: string) => contract<T>({ type: 'record', namespace: 'toys', name })
const Built = record<BoatBuilt>('BoatBuilt')
const Owners = eventsTopic('owners', { OwnerCame: record<OwnerCame>('OwnerCame') }, { key: (event) => event.ownerId })
const Harbour = eventsTopic(
  'harbour',
  { BoatBuilt: Built, BoatSunk: record<BoatSunk>('BoatSunk'), SailorHired: record<SailorHired>('SailorHired') },
  {
    key: {
      BoatBuilt: (event) => event.boatNo,
      BoatSunk: (event) => event.boatNo,
      SailorHired: (event) => `sailor/${event.sailorId}` as const,
    },
  },
)
const Loose = eventsTopic('loose', { BoatBuilt: Built })
const Stays = rowsTopic('stays', record<StayRow>('StayRow'), { key: ({ boatNo, day }) => ({ boatNo, day }) })

// @ts-expect-error an event whose key isn't said
eventsTopic('harbour', { BoatBuilt: Built, BoatSunk: record<BoatSunk>('BoatSunk') }, { key: { BoatBuilt: () => 'b' } })
// @ts-expect-error a key is a text, a whole number or a record of values
eventsTopic('harbour', { BoatBuilt: Built }, { key: (event) => event.crew })
// @ts-expect-error also where each has its own
eventsTopic('harbour', { BoatBuilt: Built }, { key: { BoatBuilt: (event) => event.crew } })

topology('ids', ({ events, table, combine }) => {
  const owners = events(Owners).evolve<{ city: string }>({ OwnerCame: (_, { city }) => ({ city }) })
  const boats = events(Harbour)
    .only('BoatBuilt', 'BoatSunk')
    .evolve<BoatBuilt>({ BoatBuilt: (_, boat) => boat, BoatSunk: () => null })
  const sailors = events(Harbour)
    .only('SailorHired')
    .evolve<SailorHired>({ SailorHired: (_, sailor) => sailor })

  // Tables are of the keys of their topics.
  const keyedByOwner: Table<Id<'owner'>, { city: string }> = owners
  const keyedByNumber: Table<NumberKey<Id<'boat', number>>, BoatBuilt> = boats
  const keyedByStay: Table<RecordKey<{ boatNo: Id<'boat', number>; day: string }>, StayRow> = table(Stays)

  boats.leftJoin(keyedByOwner, { on: (boat) => boat.ownerId, select: (boat, owner) => [boat.boatNo, owner?.city] })
  // @ts-expect-error a status is no owner
  boats.leftJoin(owners, { on: (boat) => boat.status, select: (boat) => boat })
  // @ts-expect-error nor is a sailor
  boats.join(owners, { on: (boat) => boat.crew[0]?.sailorId, select: (boat) => boat })
  // @ts-expect-error nor what was written by hand
  boats.join(owners, { on: (boat) => `owner-${boat.boatNo}`, select: (boat) => boat })

  // A number names what is keyed by it, and parts what is keyed by parts.
  keyedByStay.leftJoin(keyedByNumber, { on: (stay) => stay.boatNo, select: (stay, boat) => [stay.day, boat?.status] })
  // @ts-expect-error any other number doesn't
  keyedByStay.leftJoin(boats, { on: (stay) => stay.day.length, select: (stay) => stay })
  // @ts-expect-error nor does its text
  keyedByStay.leftJoin(boats, { on: (stay) => String(stay.boatNo), select: (stay) => stay })
  boats.leftJoin(keyedByStay, { on: ({ boatNo }) => ({ boatNo, day: '2026-01-01' }), select: (boat) => boat })
  boats.leftJoin(keyedByStay, {
    // @ts-expect-error another kind of part
    on: ({ crew }) => ({ boatNo: crew.length, day: '2026-01-01' }),
    select: (boat) => boat,
  })

  // A key that was put together is another one than any other.
  boats.leftJoin(sailors, { on: ({ crew }) => sailorKey(crew[0]?.sailorId ?? null), select: (boat) => boat })
  // @ts-expect-error so an id by itself isn't it
  boats.leftJoin(sailors, { on: ({ crew }) => crew[0]?.sailorId, select: (boat) => boat })
  // @ts-expect-error nor is one that was put together of another id
  boats.leftJoin(sailors, { on: (boat) => `sailor/${boat.ownerId}` as const, select: (boat) => boat })

  // Groups have the key that they were made by.
  const fleets = boats.groupBy((boat) => boat.ownerId).summarise((a) => ({ boats: a.count() }))
  owners.leftJoin(fleets, { select: (owner, fleet, ownerId) => ({ ...owner, ownerId, boats: fleet?.boats ?? 0 }) })
  combine({ owners, fleets }, ({ fleets: fleet }, ownerId): [Id<'owner'>, number] => [ownerId, fleet?.boats ?? 0])
  const stays = keyedByStay.groupBy((stay) => stay.boatNo).summarise((a) => ({ days: a.count() }))
  boats.leftJoin(stays, { select: (boat, stay) => [boat.status, stay?.days ?? 0] })
  const states = boats.groupBy((boat) => boat.status).summarise((a) => ({ boats: a.count() }))
  // @ts-expect-error a status is no owner here either
  owners.leftJoin(states, { select: (owner) => owner })
  // @ts-expect-error nor where they are combined
  combine({ owners, states }, (parts) => parts)
  // @ts-expect-error owners aren't boats
  fleets.leftJoin(stays, { select: (fleet) => fleet })

  // Without a key, a topic's records are keyed by texts, which any text names, an id as well.
  const loose = events(Loose).evolve<BoatBuilt>({ BoatBuilt: (_, boat) => boat })
  loose.leftJoin(loose, { on: (boat) => boat.status, select: (boat) => boat })
  loose.leftJoin(loose, { on: (boat) => boat.ownerId, select: (boat) => boat })
  // @ts-expect-error but nobody knows that they are owners
  owners.leftJoin(loose, { select: (owner) => owner })

  const rows = boats.map(({ boatNo, ownerId }) => ({ boatNo, ownerId, day: '2026-01-01' }))
  // @ts-expect-error the row has another's id
  boats.map(({ boatNo, crew }) => ({ boatNo, ownerId: crew[0]?.sailorId ?? null, day: '' })).to(Stays)
  return rows.to(Stays)
})

/** What comes from outside may be plain. */
export async function fromOutside(trx: Transaction, sailorId: Id<'sailor'>, ownerId: Id<'owner'>): Promise<void> {
  await publish(trx, Built, { boatNo: 7, ownerId: 'o1', status: 'new', crew: [{ sailorId: 's1' }, { sailorId: null }] })
  await publish(trx, Built, { boatNo: 7, ownerId, status: 'new', crew: [{ sailorId }] })
  // @ts-expect-error but not the id of something else
  await publish(trx, Built, { boatNo: 7, ownerId: sailorId, status: 'new', crew: [] })
  // @ts-expect-error nor of another type
  await publish(trx, Built, { boatNo: '7', ownerId, status: 'new', crew: [] })

  const driven = drive(topology('outside', ({ table }) => table(Stays).to(Stays)))
  driven.pipe(Stays, { boatNo: 7, ownerId: 'o1', day: '2026-01-01' })
  driven.pipe(Owners, { key: 'o1', name: 'OwnerCame', data: { ownerId: 'o1', city: 'Kiel' } })
  // @ts-expect-error an owner isn't named by a sailor's id
  driven.pipe(Owners, { key: 'o1', name: 'OwnerCame', data: { ownerId: sailorId, city: 'Kiel' } })

  const boat: Plain<BoatBuilt> = { boatNo: 7, ownerId: 'o1', status: 'new', crew: [] }
  // @ts-expect-error what is plain isn't an id
  const owner: Id<'owner'> = boat.ownerId
  void owner
}

// A topic that says its keys needn't be told them again, another one has to.
publishes(Owners, { OwnerCame: { aggregate: 'owner' } })
publishes(Loose, { BoatBuilt: { aggregate: 'boat', key: (boat) => String(boat.boatNo) } })
// @ts-expect-error there is one place that says it
publishes(Owners, { OwnerCame: { aggregate: 'owner', key: (owner) => owner.city } })
// @ts-expect-error and it has to be said
publishes(Loose, { BoatBuilt: { aggregate: 'boat' } })
