import type { estypes } from '@elastic/elasticsearch'
import type { Spread } from './axis.ts'
import type { Scope } from './filters.ts'
import { panelQuery, SEARCH_TIME } from './queries.ts'
import type { FilterValues, Panel } from './report.ts'

/** The search that tells where a panel's documents are on its time axis. */
export function spreadSearch(scope: Scope, panel: Panel, field: string, values: FilterValues): estypes.SearchRequest {
  return {
    index: panel.readModel,
    size: 0,
    timeout: SEARCH_TIME,
    query: panelQuery(scope, panel, values),
    aggs: {
      span: { stats: { field } },
      most: { percentiles: { field, percents: [5, 50, 95], keyed: false } },
    },
  }
}

/** Reads that search's answer; undefined when there are no documents. */
export function spreadOf(answer: estypes.SearchResponse): Spread | undefined {
  const { span, most } = answer.aggregations as unknown as {
    readonly span: { readonly min: number | null; readonly max: number | null }
    readonly most: { readonly values: readonly { readonly value: number | null }[] }
  }
  if (span.min === null || span.max === null) return undefined
  const [low, middle, high] = most.values.map(({ value }) => value ?? span.min!)
  return { min: span.min, max: span.max, low: low!, middle: middle!, high: high! }
}
