import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { expect, test } from 'vitest'
import system from '../../../tributary.config.ts'
import { contractsOf, generateContracts, generatedFile, schemaFiles } from './generate.ts'

test('the generated types are those of the Avro files', () => {
  expect(readFileSync(generatedFile(), 'utf8')).toBe(generateContracts())
})

test('every Avro file is a contract of a topic, named by its folder and file', () => {
  const named = schemaFiles().map((file) => `tributary.${basename(dirname(file))}.${basename(file, '.avsc')}`)
  expect(named.toSorted()).toEqual(system.contracts.map((c) => c.name).toSorted())
})

const boat = (fields: readonly { name: string; type: unknown }[]) =>
  contractsOf([{ type: 'record', name: 'Boat', namespace: 'toys', fields: fields as never }], {
    ids: { boatNo: 'boat', crew: 'sailor', ownerId: 'owner' },
  })
const all = [
  { name: 'boatNo', type: 'long' },
  { name: 'crew', type: { type: 'array', items: 'string' } },
  { name: 'ownerId', type: ['null', 'string'] },
]

test('a field that rules.json calls an id is one, of a number, in a list, and where it may be missing', () => {
  expect(boat([...all, { name: 'name', type: 'string' }])).toContain(`export interface Boat {
  readonly boatNo: Id<'boat', number>
  readonly crew: readonly Id<'sailor'>[]
  readonly ownerId: Id<'owner'> | null
  readonly name: string
}`)
})

test('without ids, nothing speaks of them', () => {
  expect(contractsOf([{ type: 'record', name: 'Boat', namespace: 'toys', fields: all as never }])).not.toContain('Id<')
})

test('an id of no field, and one that is neither a text nor a whole number, are refused by name', () => {
  expect(() => boat(all.slice(1))).toThrow('"ids" has "boatNo", and no schema has a field')
  expect(() => boat([...all.slice(1), { name: 'boatNo', type: 'double' }])).toThrow(
    '"boatNo" is an id of "boat", and in Boat neither a text nor a whole number',
  )
  const moment = { type: 'long', logicalType: 'timestamp-millis' }
  expect(() => boat([...all.slice(1), { name: 'boatNo', type: moment }])).toThrow('"boatNo"')
})

test('what rules.json says of a field that no schema has is refused, all of it at once', () => {
  const berth = { type: 'record', name: 'Berth', fields: [{ name: 'depth', type: 'int' }] }
  const fields = [...all, { name: 'berths', type: ['null', { type: 'array', items: berth }] }] as never
  const of = (rules: Parameters<typeof contractsOf>[1]) => () =>
    contractsOf([{ type: 'record', name: 'Boat', namespace: 'toys', fields }], rules)
  const most = { most: 3, because: 'it is short' }
  expect(of({ fields: { depth: 'm', boatNo: 'no' }, lists: { berths: most } })).not.toThrow()
  expect(of({ fields: { dept: 'm' }, lists: { depth: most, berth: most } })).toThrow(
    'schemas/rules.json: "fields" has "dept", and no schema has a field of that name; ' +
      '"lists" has "depth", and no schema has a list of that name; "lists" has "berth", and no schema has a list of that ' +
      'name. Write it as the .avsc has it, or take it out where its field is gone',
  )
})

test('records within records within records all have their interface', () => {
  const nested = (name: string, fields: readonly object[]) => ({ type: 'record', name, fields })
  const berth = nested('Berth', [{ name: 'no', type: 'int' }])
  const pier = nested('Pier', [{ name: 'berths', type: { type: 'array', items: berth } }])
  const harbour = { ...nested('Harbour', [{ name: 'pier', type: pier }]), namespace: 'toys' }
  const text = contractsOf([harbour as never])
  for (const name of ['Harbour', 'Pier', 'Berth']) expect(text).toContain(`export interface ${name} {`)
})
