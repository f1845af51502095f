import { type Contract, contract } from '#contracts/contract'
import type { EventsTopic, RowsTopic } from '#contracts/topic'

/** Topics without a business, for the engine's own tests: things that name a place, and places. */

export interface ThingSet {
  readonly place: string | null
  readonly size: number
}
export interface PlaceSet {
  readonly label: string
}
export interface ThingRow {
  readonly key: string
  readonly text: string
}

const record = <T>(name: string, fields: readonly unknown[]): Contract<T> =>
  contract<T>({ type: 'record', namespace: 'toys', name, fields })

const ThingSet = record<ThingSet>('ThingSet', [
  { name: 'place', type: ['null', 'string'] },
  { name: 'size', type: 'long' },
])
const PlaceSet = record<PlaceSet>('PlaceSet', [{ name: 'label', type: 'string' }])
const ThingRow = record<ThingRow>('ThingRow', [
  { name: 'key', type: 'string' },
  { name: 'text', type: 'string' },
])

function events<E extends Record<string, Contract<unknown>>>(name: string, contracts: E): EventsTopic<E> {
  return {
    kind: 'events',
    name: `${name}.events`,
    service: name.replace(/^.*\./, '') as never,
    events: contracts,
    partitions: 4,
    config: {},
  }
}

/** The topics of one test, so that tests on the same broker keep out of each other's way. */
export function toyTopics(test: string) {
  return { Things: events(`${test}.things`, { ThingSet }), Places: events(`${test}.places`, { PlaceSet }) }
}

export const { Things, Places } = toyTopics('toy')

/** A rows topic whose row is a key and a text, which holds any result. */
export function toyRows(name: string): RowsTopic<ThingRow> {
  return {
    kind: 'rows',
    name: `${name}.rows.1`,
    readModel: name,
    generation: 1,
    row: ThingRow,
    key: (row) => row.key,
    partitions: 4,
    config: {},
  }
}

export const toyContracts: readonly Contract<unknown>[] = [ThingSet, PlaceSet, ThingRow] as Contract<unknown>[]

export const thingSet = (key: string, place: string | null, size = 1) => ({
  key,
  name: 'ThingSet' as const,
  data: { place, size },
})
export const placeSet = (key: string, label: string) => ({ key, name: 'PlaceSet' as const, data: { label } })
