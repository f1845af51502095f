import type { estypes } from '@elastic/elasticsearch'
import type { ReadModel } from '#read-models/read-model'
import type { Axis } from './axis.ts'
import { fieldAt } from './fields.ts'
import { conditionQuery, filterQuery, type Scope, zoneOf } from './filters.ts'
import type { FilterValues, Panel } from './report.ts'

/** Named bars of a panel that doesn't say how many. */
const NAMED_BARS = 12
/** How long Elasticsearch may look for a panel's figures. */
export const SEARCH_TIME = '5s'

/**
 * The search that answers a panel. Only aggregations: no documents come back.
 * @param axis of a panel by time; without one it has no bars
 */
export function panelSearch(scope: Scope, panel: Panel, values: FilterValues, axis?: Axis): estypes.SearchRequest {
  const model = scope.readModels.get(panel.readModel)!
  return {
    index: panel.readModel,
    size: 0,
    track_total_hits: true,
    timeout: SEARCH_TIME,
    query: panelQuery(scope, panel, values),
    aggs: split(scope, panel, measure(model, panel), axis),
  }
}

/** The documents that a panel is about. */
export function panelQuery(scope: Scope, { readModel, only = [] }: Panel, values: FilterValues) {
  const model = scope.readModels.get(readModel)!
  const conditions = only.map((condition) => conditionQuery(model, condition))
  return filterQuery(scope, readModel, values, conditions)
}

type Aggregations = Record<string, estypes.AggregationsAggregationContainer>

function measure(model: ReadModel, { measure: what }: Panel): Aggregations {
  switch (what.kind) {
    case 'documents':
      return {}
    case 'sum':
    case 'average':
      return { value: { [what.kind === 'sum' ? 'sum' : 'avg']: { field: what.field } } as never }
    case 'ratio':
      return { sum: { sum: { field: what.sum } }, over: { sum: { field: what.over } } }
    case 'share':
      return {
        of: { filter: what.of ? conditionQuery(model, what.of) : { match_all: {} } },
        where: { filter: conditionQuery(model, what.where) },
      } as Aggregations
  }
}

function split(scope: Scope, panel: Panel, inner: Aggregations, axis?: Axis): Aggregations {
  const { by, measure: what, readModel } = panel
  if (!by) return inner
  const sub = Object.keys(inner).length > 0 ? { aggs: inner } : {}
  if (by.kind === 'time') {
    if (!axis) return {}
    const zone = zoneOf(scope, readModel, by.field)
    // `uuuu`: with `yyyy`, the year before 1 would be written as 1.
    const histogram = {
      field: by.field,
      calendar_interval: axis.interval,
      min_doc_count: 0,
      format: 'uuuu-MM-dd',
      ...(zone !== 'UTC' && { time_zone: zone }),
    }
    const on = { range: { [by.field]: { gte: axis.fromMs, lte: axis.toMs, format: 'epoch_millis' } } }
    const outside = { bool: { filter: { exists: { field: by.field } }, must_not: on } }
    return {
      on: { filter: on, aggs: { by: { date_histogram: histogram, ...sub } } },
      outside: { filter: outside, ...sub },
    }
  }
  const order = what.kind === 'sum' ? { value: 'desc' as const } : { _count: 'desc' as const }
  const terms = { terms: { field: by.field, size: by.size ?? NAMED_BARS, order }, ...sub }
  const nested = fieldAt(scope.readModels.get(readModel)!, by.field)?.nested
  return nested === undefined ? { by: terms } : { nested: { nested: { path: nested }, aggs: { by: terms } } }
}

/** A bar: its key, and its value in the panel's unit (null: no document has one). */
export interface Bar {
  readonly key: string
  readonly value: number | null
}

/** What a panel shows: one value, or bars, and what lies outside of the bars' axis. */
export type PanelResult =
  | { readonly value: number | null }
  | { readonly bars: readonly Bar[]; readonly outside?: { readonly documents: number; readonly value: number | null } }

/** Reads a search's answer as the panel's figures. */
export function panelResult(panel: Panel, answer: estypes.SearchResponse): PanelResult {
  const aggregations = (answer.aggregations ?? {}) as unknown as Answered
  if (!panel.by) {
    const total = typeof answer.hits.total === 'object' ? answer.hits.total.value : (answer.hits.total ?? 0)
    return { value: figureOf(panel, { ...aggregations, doc_count: total } as Bucket) }
  }
  const { on, nested, outside } = aggregations
  const { by } = on ?? nested ?? aggregations
  const bars = (by?.buckets ?? []).map((bucket) => ({
    key: String(bucket.key_as_string ?? bucket.key),
    value: figureOf(panel, bucket),
  }))
  if (!outside || outside.doc_count === 0) return { bars }
  return { bars, outside: { documents: outside.doc_count, value: figureOf(panel, outside) } }
}

type Answered = Bucket & { readonly on?: Bucket; readonly nested?: Bucket; readonly outside?: Bucket }

interface Bucket {
  readonly key?: string | number
  readonly key_as_string?: string
  readonly doc_count: number
  readonly value?: { readonly value: number | null }
  readonly sum?: { readonly value: number | null }
  readonly over?: { readonly value: number | null }
  readonly of?: { readonly doc_count: number }
  readonly where?: { readonly doc_count: number }
  readonly by?: { readonly buckets: readonly Bucket[] }
}

function figureOf({ measure: what }: Panel, bucket: Bucket): number | null {
  switch (what.kind) {
    case 'documents':
      return bucket.doc_count
    case 'sum':
    case 'average':
      return bucket.value?.value ?? null
    case 'ratio': {
      const over = bucket.over?.value ?? 0
      return over === 0 ? null : (bucket.sum?.value ?? 0) / over
    }
    case 'share': {
      const of = bucket.of?.doc_count ?? 0
      return of === 0 ? null : (bucket.where?.doc_count ?? 0) / of
    }
  }
}
