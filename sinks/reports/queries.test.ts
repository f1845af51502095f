import { expect, test } from 'vitest'
import system from '#config'
import { fieldsOf } from '../../packages/tributary/read-models/avro.ts'
import { compileIndex } from '../../packages/tributary/read-models/mapping.ts'
import { fieldAt } from '../../packages/tributary/reports/fields.ts'
import {
  filterQuery as queryOf,
  type Scope,
  unusedFilters as unusedOf,
} from '../../packages/tributary/reports/filters.ts'
import { panelResult, panelSearch } from '../../packages/tributary/reports/queries.ts'
import type { Condition, FilterValues, Panel } from '../../packages/tributary/reports/report.ts'
import { reports } from './definitions.ts'
import { filters } from './filters.ts'

const { readModels } = system
const scope: Scope = { filters, readModels: new Map(readModels.map((model) => [model.name, model])), timeZone: 'UTC' }
const filterQuery = (readModel: string, values: FilterValues) => queryOf(scope, readModel, values)
const unusedFilters = (readModel: string, values: FilterValues) => unusedOf(filters, readModel, values)

/** The mapping of a field by its path. */
function mapped(readModel: string, path: string): { type?: string } | undefined {
  const model = readModels.find(({ name }) => name === readModel)!
  // biome-ignore lint/suspicious/noExplicitAny: a mapping is walked by path
  let at: any = compileIndex(model).mappings
  for (const part of path.split('.')) at = at?.properties?.[part]
  return at
}
const panels = reports.flatMap((report) => report.panels.map((panel) => [report.id, panel.id, panel] as const))

test.each(panels)('%s/%s asks for fields that exist, with types that fit', (_, __, panel) => {
  const numeric = ['long', 'integer', 'double']
  const conditions: Condition[] = [...(panel.only ?? [])]
  if (panel.measure.kind === 'sum' || panel.measure.kind === 'average')
    expect(numeric).toContain(mapped(panel.readModel, panel.measure.field)?.type)
  if (panel.measure.kind === 'share')
    conditions.push(panel.measure.where, ...(panel.measure.of ? [panel.measure.of] : []))
  for (const { field } of conditions) expect(mapped(panel.readModel, field)).toBeDefined()
  if (panel.by?.kind === 'time') expect(mapped(panel.readModel, panel.by.field)?.type).toBe('date')
  if (panel.by?.kind === 'terms') {
    expect(['keyword', ...numeric]).toContain(mapped(panel.readModel, panel.by.field)?.type)
    const { nested } = fieldAt(scope.readModels.get(panel.readModel)!, panel.by.field)!
    if (nested) expect(mapped(panel.readModel, nested)?.type).toBe('nested')
  }
})

test('filters name fields of every read model they apply to', () => {
  for (const { name, topic } of readModels) {
    const top = fieldsOf(topic.row.schema).map((field) => field.name)
    for (const filter of filters) {
      const at = filter.kind === 'check' ? filter.where[name] : filter.fields[name]
      const field = typeof at === 'object' ? at.field : at
      if (field) expect(top).toContain(field.split('.')[0])
    }
  }
})

test('ids of panels are unique within a report: the page finds them by id', () => {
  for (const { panels } of reports) expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
})

test('the last day of a period counts as a whole', () => {
  expect(filterQuery('orders', { from: '2018-01-01', to: '2018-01-31' })).toEqual({
    bool: { filter: [{ range: { purchasedAt: { gte: '2018-01-01', lte: '2018-01-31||/d' } } }] },
  })
})

test('an order of a category is one with such an item; the read model of sales has a row for it', () => {
  const term = (field: string) => ({ term: { [field]: 'toys' } })
  expect(filterQuery('orders', { category: 'toys' })).toEqual({
    bool: { filter: [{ nested: { path: 'items', query: term('items.category') } }] },
  })
  expect(filterQuery('sales', { category: 'toys' })).toEqual({ bool: { filter: [term('category')] } })
})

test('a filter without a field in the read model is said to be unused, and is not in the query', () => {
  const filters = { category: 'toys', status: 'delivered', from: '2018-01-01', differs: 'yes', state: 'SP' }
  const narrowedByState = { bool: { filter: [{ term: { state: 'SP' } }] } }
  expect(filterQuery('sellers', filters)).toEqual(narrowedByState)
  expect(unusedFilters('sellers', filters)).toEqual(['period', 'category', 'status', 'paid ≠ charged'])
  expect(unusedFilters('sales', filters)).toEqual(['status', 'paid ≠ charged'])
  expect(unusedFilters('orders', filters)).toEqual([])
})

test('orders of a customer who is not known are found by the state that their sales have', () => {
  const absent = { bool: { must_not: { exists: { field: 'customer.state' } } } }
  expect(filterQuery('orders', { state: 'unknown' })).toEqual({
    bool: { filter: [{ bool: { should: [{ term: { 'customer.state': 'unknown' } }, absent] } }] },
  })
  expect(filterQuery('sales', { state: 'unknown' })).toEqual({ bool: { filter: [{ term: { state: 'unknown' } }] } })
})

const panel = (more: Partial<Panel>): Panel => {
  return { id: 'p', title: 'P', readModel: 'orders', measure: { kind: 'documents' }, format: 'number', ...more }
}
const answer = (total: number, aggregations?: unknown) => ({ hits: { total: { value: total } }, aggregations }) as never

test('a share of nothing is not known, and not zero', () => {
  const share = panel({
    measure: { kind: 'share', where: { field: 'late', is: true }, of: { field: 'late', known: true } },
  })
  expect(panelResult(share, answer(5, { of: { doc_count: 0 }, where: { doc_count: 0 } }))).toEqual({ value: null })
  expect(panelResult(share, answer(5, { of: { doc_count: 4 }, where: { doc_count: 1 } }))).toEqual({ value: 0.25 })
})

test('money by payment means is added up inside the payments', () => {
  const means = panel({
    measure: { kind: 'sum', field: 'payments.cents' },
    by: { kind: 'terms', field: 'payments.type' },
  })
  expect(panelSearch(scope, means, {}).aggs).toMatchObject({
    nested: { nested: { path: 'payments' }, aggs: { by: {} } },
  })
  const buckets = [{ key: 'boleto', doc_count: 3, value: { value: 42 } }]
  expect(panelResult(means, answer(9, { nested: { by: { buckets } } }))).toEqual({
    bars: [{ key: 'boleto', value: 42 }],
  })
})
