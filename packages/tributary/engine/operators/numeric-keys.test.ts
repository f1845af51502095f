import { expect, test } from 'vitest'
import { contract } from '#contracts/contract'
import type { Id } from '#contracts/key'
import { eventsTopic, rowsTopic } from '#contracts/topic'
import { topology } from '../index.ts'
import { drive } from '../testing/drive.ts'

interface BoatBuilt {
  readonly boatNo: Id<'boat', number>
  readonly name: string
}
interface BoatHired {
  readonly hireNo: number
  readonly boatNo: Id<'boat', number>
  readonly day: string
}
interface DayRow {
  readonly boatNo: Id<'boat', number>
  readonly day: string
  readonly name: string | null
  readonly hires: number
  /** On all days. */
  readonly ofBoat: number
}

const long = (name: string) => ({ name, type: 'long' })
const text = (name: string) => ({ name, type: 'string' })
const record = <T>(name: string, fields: readonly object[]) =>
  contract<T>({ type: 'record', namespace: 'boats', name, fields })

const Boats = eventsTopic(
  'boats',
  { BoatBuilt: record<BoatBuilt>('BoatBuilt', [long('boatNo'), text('name')]) },
  { key: (event) => event.boatNo },
)
const Hires = eventsTopic(
  'hires',
  { BoatHired: record<BoatHired>('BoatHired', [long('hireNo'), long('boatNo'), text('day')]) },
  { key: (event) => event.hireNo },
)
const Days = rowsTopic(
  'days',
  record<DayRow>('DayRow', [
    long('boatNo'),
    text('day'),
    { name: 'name', type: ['null', 'string'] },
    long('hires'),
    long('ofBoat'),
  ]),
  { key: ({ boatNo, day }) => ({ boatNo, day }) },
)

const days = topology('days', ({ events }) => {
  const boats = events(Boats).evolve<BoatBuilt>({ BoatBuilt: (_, boat) => boat })
  const hires = events(Hires).evolve<BoatHired>({ BoatHired: (_, hire) => hire })
  const perBoat = hires.groupBy((hire) => hire.boatNo).summarise((a) => ({ hires: a.count() }))
  const known = boats.leftJoin(perBoat, { select: ({ name }, of) => ({ name, hires: of?.hires ?? 0 }) })
  return hires
    .groupBy(({ boatNo, day }) => ({ boatNo, day }))
    .summarise((a) => ({ hires: a.count() }))
    .leftJoin(known, {
      on: (day) => day.boatNo,
      select: (day, boat) => ({ ...day, name: boat?.name ?? null, ofBoat: boat?.hires ?? 0 }),
    })
    .to(Days)
})

test('numbers key events, groups and foreign keys; records of them key rows', () => {
  const driver = drive(days, { workers: 4 })
  const hire = (hireNo: number, boatNo: number, day: string) =>
    driver.pipe(Hires, { key: `${hireNo}`, name: 'BoatHired', data: { hireNo, boatNo, day } })
  hire(1, 7, 'mon')
  hire(2, 7, 'mon')
  hire(3, 7, 'tue')
  driver.pipe(Boats, { key: '7', name: 'BoatBuilt', data: { boatNo: 7, name: 'Ida' } })
  expect(driver.table(Days)).toEqual(
    new Map([
      ['{"boatNo":7,"day":"mon"}', { boatNo: 7, day: 'mon', name: 'Ida', hires: 2, ofBoat: 3 }],
      ['{"boatNo":7,"day":"tue"}', { boatNo: 7, day: 'tue', name: 'Ida', hires: 1, ofBoat: 3 }],
    ]),
  )
  // The rows stay with their groups: the record's key is the group's.
  expect(driver.stateRows('to-days.rows.1')).toBe(0)
})

test('a number that has no exact text names nothing: a failure of its row', () => {
  const driver = drive(
    topology('halves', ({ events }) => {
      const boats = events(Boats).evolve<BoatBuilt>({ BoatBuilt: (_, boat) => boat })
      const hires = events(Hires).evolve<BoatHired>({ BoatHired: (_, hire) => hire })
      return hires
        .leftJoin(boats, {
          name: 'half',
          on: ({ boatNo }) => (boatNo / 2) as Id<'boat', number>,
          select: (hire, boat) => ({ ...hire, name: boat?.name ?? null, hires: 1, ofBoat: 1 }),
        })
        .to(Days)
    }),
  )
  driver.pipe(Hires, { key: '1', name: 'BoatHired', data: { hireNo: 1, boatNo: 7, day: 'mon' } })
  driver.pipe(Hires, { key: '2', name: 'BoatHired', data: { hireNo: 2, boatNo: 8, day: 'mon' } })
  expect([...driver.table(Days).values()].map(({ boatNo }) => boatNo)).toEqual([8])
  expect(driver.failures).toEqual([
    { place: 'half', key: '1', message: 'a key that is a number is a whole one within ±(2^53 − 1), not 3.5' },
  ])
})
