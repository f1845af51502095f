import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { expect, test } from 'vitest'
import { contract } from '#contracts/contract'
import { rowsTopic } from '#contracts/topic'
import { paces, readModel } from '#read-models/read-model'
import { describePage, type Reporting } from './describe.ts'
import { reportFaults } from './faults.ts'
import type { DocumentView, Report } from './report.ts'

const PAGE = new URL('../../../docs/reference/reports.md', import.meta.url)
const MOMENT = { type: 'long', logicalType: 'timestamp-millis' }
const record = (name: string, fields: Record<string, unknown>) =>
  ({
    type: 'record',
    namespace: 'bicycles',
    name,
    fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
  }) as const
const modelOf = (name: string, fields: Record<string, unknown>) =>
  readModel(rowsTopic<object>(name, contract(record('Row', fields)), { key: () => '' }), { pace: paces.rows })
const rides = modelOf('rides', {
  rideNo: 'long',
  state: 'string',
  beganAt: ['null', MOMENT],
  endedAt: ['null', MOMENT],
  station: ['null', record('Station', { stationId: 'string', name: 'string' })],
  minutes: 'long',
  fee: 'long',
  repairs: { type: 'array', items: record('Repair', { part: 'string', cost: 'long' }) },
})
const stations = modelOf('stations', { stationId: 'string', name: 'string' })

test('the example of the reference is sound', async () => {
  const [, block] = /```ts[^\n]*\n(\/\/ sinks\/reports\/.*?)```/s.exec(await readFile(PAGE, 'utf8'))!
  const code = stripTypeScriptTypes(block!)
  const example: { rides: Report; ride: DocumentView } = await import(
    `data:text/javascript,${encodeURIComponent(code)}`
  )
  const reporting: Reporting = {
    title: 'Bicycles',
    language: 'en-IE',
    timeZone: 'Europe/Dublin',
    currency: 'EUR',
    reports: [example.rides],
    documents: [example.ride],
    readModels: [rides, stations],
  }
  expect(reportFaults(reporting)).toEqual([])
  expect(describePage(reporting).documents[0]).toMatchObject({
    parameter: 'ride',
    sections: [{ title: 'Fields', fields: [{ label: 'Time' }, { label: 'Fee' }] }, { title: 'Station' }],
  })
})
