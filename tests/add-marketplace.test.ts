import { afterAll, beforeAll, expect, test } from 'vitest'
import { Copy, differences } from './harness/copies.ts'

let copy: Copy
beforeAll(() => {
  copy = Copy.ofMarketplace()
}, 120_000)
afterAll(() => copy?.remove())

test('adding a service and a read model changes their own files, what names all of a kind, and nothing else', () => {
  const before = copy.files()
  expect(copy.tributary('add', 'service', 'fines')).toMatchObject({ code: 0 })
  expect(copy.tributary('add', 'read-model', 'fines', '--from', 'fines')).toMatchObject({ code: 0 })
  const { created, changed, gone } = differences(before, copy.files())
  expect(created).toEqual([
    'processors/fines/topology.test.ts',
    'processors/fines/topology.ts',
    'producers/fines/service.test.ts',
    'producers/fines/service.ts',
    'schemas/events/fines/FineAdded.avsc',
    'schemas/rows/FineRow.avsc',
    'sinks/read-models/fines.ts',
    'sinks/verify/fines.sql',
  ])
  const generated = ['docker-compose.yml', 'schemas/contracts.generated.ts']
  expect(changed.filter((path) => !generated.includes(path))).toEqual([
    'schemas/rules.json',
    'schemas/topics.ts',
    'schemas/values.ts',
    'sinks/verify/tables.sql',
    'sinks/verify/verification.ts',
    'tributary.config.ts',
  ])
  expect(gone).toEqual([])
}, 120_000)

test('an event is keyed as the one it is like, and a report joins the page’s other ones', () => {
  const event = copy.tributary(
    'add',
    'event',
    'catalog',
    'SellerLeft',
    '--like',
    'SellerJoined',
    '--field',
    'at:instant?',
  )
  expect(event).toMatchObject({ code: 0 })
  expect(copy.files().get('producers/catalog/events.ts')).toContain('\n  SellerLeft: seller,\n')
  expect(copy.tributary('add', 'report', 'fines', '--of', 'fines')).toMatchObject({ code: 0 })
  expect(copy.files().get('sinks/reports/definitions.ts')).toContain(
    '[sales, delivery, payments, customers, finesReport]',
  )
}, 120_000)

test('a read model of things among others reads their events only, and has what verification has', () => {
  const added = copy.tributary('add', 'read-model', 'places', '--from', 'catalog', '--event', 'SellerJoined')
  expect(added).toMatchObject({ code: 0, says: expect.stringContaining("left out of catalog's SellerJoined: zip") })
  const topology = copy.files().get('processors/places/topology.ts')
  expect(topology).toContain(".only('SellerJoined', 'SellerMoved', 'SellerLeft')")
  expect(topology).toContain('SellerMoved: (row, event) => row && { ...row, city: event.city, state: event.state }')
  expect(copy.tributary('add', 'read-model', 'purchases', '--from', 'orders', 'customers')).toMatchObject({ code: 0 })
}, 120_000)

test('what was written is well formed, well typed and up to date, and its own tests pass', () => {
  expect(copy.run('biome', 'check', '.')).toMatchObject({ code: 0 })
  expect(copy.run('tsc', '--noEmit', '--singleThreaded')).toEqual({ code: 0, says: '' })
  expect(copy.tributary('schemas', 'generate', '--check')).toMatchObject({ code: 0 })
  expect(copy.tributary('compose', 'generate', '--check')).toMatchObject({ code: 0 })
  const own = ['producers/fines', 'processors/fines', 'processors/places', 'processors/purchases']
  expect(copy.run('vitest', 'run', '--project', 'unit', ...own)).toMatchObject({
    code: 0,
    says: expect.stringMatching(/Tests +4 passed/),
  })
}, 300_000)
