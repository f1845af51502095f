import { contract } from '#contracts/contract'
import { rowsTopic } from '#contracts/topic'
import { paces, readModel } from '#read-models/read-model'
import type { Reporting } from '../describe.ts'
import type { DocumentList, DocumentView, Filter, Report } from '../report.ts'

/** A small business for tests: boats that are for hire. */
const MOMENT = { type: 'long', logicalType: 'timestamp-millis' }
const row = (name: string, fields: readonly object[]) =>
  contract<object>({ type: 'record', namespace: 'boats', name, fields })

const Hire = row('Hire', [
  { name: 'hireNo', type: 'long' },
  { name: 'kind', type: ['null', 'string'] },
  { name: 'beganAt', type: ['null', MOMENT] },
  { name: 'endedAt', type: ['null', MOMENT] },
  {
    name: 'boat',
    type: {
      type: 'record',
      name: 'Boat',
      fields: [
        { name: 'boatId', type: 'string' },
        { name: 'berth', type: 'string' },
      ],
    },
  },
  { name: 'hours', type: 'double' },
  { name: 'fee', type: 'long' },
  { name: 'paid_back', type: 'boolean' },
  {
    name: 'guests',
    type: {
      type: 'array',
      items: {
        type: 'record',
        name: 'Guest',
        fields: [
          { name: 'guestName', type: 'string' },
          { name: 'age', type: 'int' },
          { name: 'share', type: 'long' },
        ],
      },
    },
  },
  { name: 'tags', type: { type: 'array', items: 'string' } },
])
const Tide = row('Tide', [
  { name: 'boatId', type: 'string' },
  { name: 'day', type: 'string' },
  { name: 'metres', type: 'double' },
])

export const hires = readModel(rowsTopic<object>('hires', Hire, { key: () => '' }), {
  hints: { 'boat.berth': { type: 'keyword', fields: { words: { type: 'text' } } } },
  pace: paces.rows,
})
export const tides = readModel(rowsTopic<object>('tides', Tide, { key: () => '' }), {
  hints: { day: { type: 'date', format: 'strict_date' } },
  pace: paces.sums,
})

export const filters: readonly Filter[] = [
  { kind: 'time', name: 'when', label: 'When', words: 'period', fields: { hires: 'beganAt', tides: 'day' } },
  {
    kind: 'choice',
    name: 'berth',
    label: 'Berth',
    fields: { hires: { field: 'boat.berth', absent: 'at sea' } },
    choices: { of: 'hires', most: 50 },
  },
  { kind: 'choice', name: 'guest', label: 'Guest', fields: { hires: 'guests.guestName' }, choices: ['Ada', 'Lin'] },
  { kind: 'text', name: 'number', label: 'Number', fields: { hires: 'hireNo' } },
  {
    kind: 'check',
    name: 'long',
    label: 'Long ones',
    words: 'long ones',
    where: { hires: { field: 'hours', atLeast: 8 } },
  },
]

export const list: DocumentList = {
  title: 'Hires',
  readModel: 'hires',
  key: ['hireNo'],
  columns: [
    { field: 'hireNo', label: 'No', format: 'text' },
    { field: 'boat.boatId', label: 'Boat', also: [{ field: 'boat.berth' }] },
    { field: 'fee', label: 'Fee', format: 'money' },
  ],
  sorts: [
    { id: 'latest', label: 'Latest first', field: 'beganAt', order: 'desc' },
    { id: 'cheapest', label: 'Cheapest first', field: 'fee', order: 'asc' },
  ],
  search: { fields: ['hireNo', 'boat.boatId', 'guests.guestName'], exact: ['kind'], texts: ['boat.berth.words'] },
}

export const report: Report = {
  id: 'hires',
  title: 'Hires',
  filters,
  list,
  panels: [
    {
      id: 'fees',
      title: 'Fees',
      readModel: 'hires',
      measure: { kind: 'sum', field: 'fee' },
      format: 'money',
      by: { kind: 'time', field: 'beganAt' },
      drill: 'when',
    },
    {
      id: 'tides',
      title: 'Highest',
      readModel: 'tides',
      measure: { kind: 'average', field: 'metres' },
      format: 'number',
    },
  ],
}

export const view: DocumentView = {
  readModel: 'hires',
  parameter: 'hire',
  badges: [{ field: 'kind' }],
  steps: { label: 'The hire', fields: ['beganAt', 'endedAt'], planned: ['endedAt'] },
  sections: [{ title: 'Money', fields: ['fee'] }],
  fields: {
    hireNo: { hidden: true },
    fee: { format: 'money' },
    'boat.boatId': { link: 'tides' },
    guests: { columns: ['share'] },
    'guests.age': { hidden: true },
  },
}

export const reporting: Reporting = {
  title: 'Boats',
  language: 'en',
  timeZone: 'Pacific/Auckland',
  currency: 'JPY',
  reports: [report],
  documents: [view],
  readModels: [hires, tides],
}
