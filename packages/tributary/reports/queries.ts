import type { estypes } from '@elastic/elasticsearch'
import type { Axis } from './axis.ts'
import { type Condition, type Filters, filterFieldsOf, type Panel, UNKNOWN_STATE } from './report.ts'

/** A query that is there: the client's own type also allows for undefined. */
export type Query = NonNullable<estypes.QueryDslQueryContainer>

/** Named bars of a panel that doesn't say how many. */
const NAMED_BARS = 12
/** How long Elasticsearch may look for a panel's figures. */
export const SEARCH_TIME = '5s'

/** The query that lets through what the filters ask for; `unusedFilters` says which have no field in the read model. */
export function filterQuery(readModel: string, filters: Filters, more: readonly Query[] = []): Query {
  const fields = filterFieldsOf(readModel)
  const all: Query[] = [...more]
  const { from, to } = filters.day ? { from: filters.day, to: filters.day } : filters
  if (fields.time && (from || to)) {
    // `||/d` takes in the whole of the last day.
    all.push({ range: { [fields.time]: { ...(from && { gte: from }), ...(to && { lte: `${to}||/d` }) } } })
  }
  if (fields.state && filters.state) {
    const is = { term: { [fields.state]: filters.state } }
    const absent = { bool: { must_not: { exists: { field: fields.state } } } }
    all.push(readModel === 'orders' && filters.state === UNKNOWN_STATE ? { bool: { should: [is, absent] } } : is)
  }
  if (fields.status && filters.status) all.push({ term: { [fields.status]: filters.status } })
  if (fields.category?.kind === 'terms' && filters.category) {
    const { field, nested } = fields.category
    const term = { term: { [field]: filters.category } }
    all.push(nested ? { nested: { path: nested, query: term } } : term)
  }
  if (fields.differs && filters.differs) all.push(conditionQuery({ field: fields.differs, not: 0 }))
  return { bool: { filter: all } }
}

/** A condition as a query. */
export function conditionQuery(condition: Condition): Query {
  if ('is' in condition) return { term: { [condition.field]: condition.is } }
  if ('atLeast' in condition) return { range: { [condition.field]: { gte: condition.atLeast } } }
  if ('not' in condition) return { bool: { must_not: { term: { [condition.field]: condition.not } } } }
  return { exists: { field: condition.field } }
}

/**
 * The search that answers a panel. Only aggregations: no documents come back.
 * @param axis of a panel by time; without one it has no bars
 */
export function panelSearch(panel: Panel, filters: Filters, axis?: Axis): estypes.SearchRequest {
  return {
    index: panel.readModel,
    size: 0,
    track_total_hits: true,
    timeout: SEARCH_TIME,
    query: filterQuery(panel.readModel, filters, (panel.only ?? []).map(conditionQuery)),
    aggs: split(panel, measure(panel), axis),
  }
}

type Aggregations = Record<string, estypes.AggregationsAggregationContainer>

function measure({ measure: what }: Panel): Aggregations {
  switch (what.kind) {
    case 'documents':
      return {}
    case 'sum':
    case 'average':
      return { value: { [what.kind === 'sum' ? 'sum' : 'avg']: { field: what.field } } as never }
    case 'share':
      return {
        of: { filter: what.of ? conditionQuery(what.of) : { match_all: {} } },
        where: { filter: conditionQuery(what.where) },
      } as Aggregations
  }
}

function split({ by, measure: what }: Panel, inner: Aggregations, axis?: Axis): Aggregations {
  if (!by) return inner
  const sub = Object.keys(inner).length > 0 ? { aggs: inner } : {}
  if (by.kind === 'time') {
    if (!axis) return {}
    // `uuuu`: with `yyyy`, the year before 1 would be written as 1.
    const histogram = {
      field: by.field,
      calendar_interval: axis.interval,
      min_doc_count: 0,
      format: 'uuuu-MM-dd',
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
  return by.nested ? { nested: { nested: { path: by.nested }, aggs: { by: terms } } } : { by: terms }
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
  const { by } = panel.by.kind === 'time' ? (on ?? {}) : panel.by.nested ? (nested ?? {}) : aggregations
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
    case 'share': {
      const of = bucket.of?.doc_count ?? 0
      return of === 0 ? null : (bucket.where?.doc_count ?? 0) / of
    }
  }
}
