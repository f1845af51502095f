import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileIndex } from '#read-models/mapping'
import { openLog } from '#runtime/log'
import { openElasticsearch } from '#sink/client'
import { connectStack } from '#testing/stack'
import { readReport } from './panels.ts'
import type { FilterValues, Panel } from './report.ts'
import { filters, hires } from './testing/boats.ts'

const client = openElasticsearch(connectStack().env.ELASTICSEARCH_URL!)
const scope = { filters, readModels: new Map([[hires.name, hires]]), timeZone: 'Pacific/Auckland' }

/** Documents as the sink writes them: what isn't known is left out. */
const documents = [
  {
    hireNo: 1,
    beganAt: '2024-01-01T00:00:00.000Z',
    kind: 'a',
    hours: 2,
    fee: 10,
    guests: [{ guestName: 'Ada', age: 40, share: 4 }],
  },
  {
    hireNo: 2,
    beganAt: '2024-01-01T00:00:00.000Z',
    kind: 'a',
    hours: 8,
    fee: 90,
    guests: [{ guestName: 'Lin', age: 10, share: 7 }],
  },
  {
    hireNo: 3,
    beganAt: '2024-01-03T00:00:00.000Z',
    kind: 'b',
    hours: 0,
    fee: 5,
    guests: [{ guestName: 'Ada', age: 60, share: 1 }],
  },
  { hireNo: 4, kind: 'c', fee: 3 },
  { hireNo: 5, kind: 'd', hours: 4 },
]

beforeAll(async () => {
  await client.indices.delete({ index: 'hires', ignore_unavailable: true })
  await client.indices.create({ index: 'hires', ...(compileIndex(hires) as object) })
  const operations = documents.flatMap((document) => [{ index: { _index: 'hires' } }, document])
  expect(await client.bulk({ refresh: true, operations })).toMatchObject({ errors: false })
})
afterAll(async () => {
  await client.indices.delete({ index: 'hires' })
  await client.close()
})

async function panel(change: Partial<Panel>, values: FilterValues = {}) {
  const measure = { kind: 'ratio', sum: 'fee', over: 'hours' } as const
  const panels: Panel[] = [{ id: 'p', title: 'P', readModel: 'hires', measure, format: 'percent', ...change }]
  const [shown] = await readReport(client, scope, { id: 'r', title: 'R', panels }, values, openLog('test', 'silent'))
  return shown
}

test('a ratio is that of the sums, and not the average of the ratios', async () => {
  expect(await panel({})).toMatchObject({ value: 108 / 14, format: 'percent' })
})

test('it has the bars that others have; a bar whose lower sum is nothing has no value', async () => {
  const { bars } = (await panel({ by: { kind: 'terms', field: 'kind' } })) as { bars?: unknown }
  expect(bars).toEqual([
    { key: 'a', value: 10 },
    { key: 'b', value: null },
    { key: 'c', value: null },
    { key: 'd', value: 0 },
  ])
  expect(await panel({ by: { kind: 'time', field: 'beganAt' } })).toMatchObject({
    bars: [
      { key: '2024-01-01', value: 10 },
      { key: '2024-01-02', value: null },
      { key: '2024-01-03', value: null },
    ],
  })
})

test('filters and conditions narrow both sums', async () => {
  expect(await panel({}, { long: 'yes' })).toMatchObject({ value: 90 / 8 })
  expect(await panel({ only: [{ field: 'hours', is: 2 }] })).toMatchObject({ value: 5 })
  expect(await panel({}, { day: '2024-01-03' })).toMatchObject({ value: null })
  expect(await panel({ only: [{ field: 'kind', is: 'nobody' }] })).toMatchObject({ value: null })
})

test('within a list of records, it is of the records', async () => {
  const measure = { kind: 'ratio', sum: 'guests.share', over: 'guests.age' } as const
  expect(await panel({ measure, by: { kind: 'terms', field: 'guests.guestName' } })).toMatchObject({
    bars: [
      { key: 'Ada', value: 5 / 100 },
      { key: 'Lin', value: 7 / 10 },
    ],
  })
})
