import { randomUUID } from 'node:crypto'
import type { Client, estypes } from '@elastic/elasticsearch'
import type { Log } from '#runtime/log'
import { type Axis, axisFor } from './axis.ts'
import { type Scope, unusedFilters, zoneOf } from './filters.ts'
import { type PanelResult, panelResult, panelSearch } from './queries.ts'
import type { FilterValues, Panel, Report } from './report.ts'
import { spreadOf, spreadSearch } from './spread.ts'

/** Why a panel has no figures, for a person, and where to look further. */
export interface PanelFault {
  readonly code: 'no_index' | 'index_closed' | 'index_blocked' | 'too_slow' | 'search_failed'
  /** Stands in the server's log beside what Elasticsearch said. */
  readonly id: string
  readonly message: string
}

type Answer = estypes.MsearchMultiSearchItem | estypes.ErrorResponseBase

/**
 * Asks for all panels of a report with two requests: where the time axes are, and then the figures. What one panel
 * fails on is that panel's; throws only when Elasticsearch doesn't answer at all.
 */
export async function readReport(client: Client, scope: Scope, report: Report, values: FilterValues, log: Log) {
  const faults = new Map<Panel, PanelFault>()
  const axes = new Map<Panel, Axis>()
  const ask = (searches: readonly (readonly [Panel, estypes.SearchRequest])[], take: Take) =>
    askAll(client, searches, (panel, answer) => {
      const fault = faultOf(panel, answer, log)
      if (fault) faults.set(panel, fault)
      else take(panel, answer as estypes.SearchResponse)
    })

  const byTime = report.panels.flatMap((panel) =>
    panel.by?.kind === 'time' ? [[panel, spreadSearch(scope, panel, panel.by.field, values)] as const] : [],
  )
  await ask(byTime, (panel, answer) => {
    const spread = spreadOf(answer)
    if (spread) axes.set(panel, axisFor(spread, zoneOf(scope, panel.readModel, panel.by!.field)))
  })

  const results = new Map<Panel, PanelResult>()
  const well = report.panels.filter((panel) => !faults.has(panel))
  await ask(
    well.map((panel) => [panel, panelSearch(scope, panel, values, axes.get(panel))] as const),
    (panel, answer) => void results.set(panel, panelResult(panel, answer)),
  )

  return report.panels.map((panel) => {
    const { id, title, format, note, by, drill, readModel } = panel
    const { interval } = axes.get(panel) ?? {}
    const unused = unusedFilters(scope.filters, readModel, values)
    const keys = by?.kind === 'terms' ? (by.format ?? 'text') : undefined
    const shown = { id, title, format, note, unused, drill, split: by?.kind, keys, interval }
    const fault = faults.get(panel)
    return fault ? { ...shown, fault } : { ...shown, ...results.get(panel) }
  })
}

type Take = (panel: Panel, answer: estypes.SearchResponse) => void

async function askAll(
  client: Client,
  searches: readonly (readonly [Panel, estypes.SearchRequest])[],
  take: (panel: Panel, answer: Answer) => void,
): Promise<void> {
  if (searches.length === 0) return
  const { responses } = await client.msearch({
    max_concurrent_searches: 4,
    searches: searches.flatMap(([, { index, ...body }]) => [
      { index: index as string, allow_partial_search_results: false },
      body,
    ]),
  })
  for (const [at, [panel]] of searches.entries()) take(panel, responses[at]!)
}

function faultOf(panel: Panel, answer: Answer, log: Log): PanelFault | undefined {
  const slow = 'timed_out' in answer && answer.timed_out
  if (!slow && !('error' in answer)) return undefined
  const said = 'error' in answer ? answer.error : undefined
  const { code, message } = slow ? SLOW : (FAULTS[said?.type ?? ''] ?? FAILED)
  const id = randomUUID()
  log.error({ id, panel: panel.id, index: panel.readModel, said }, `a panel has no figures: ${code}`)
  return { code, id, message: message.replace('%', panel.readModel) }
}

type Words = Omit<PanelFault, 'id'>

const SLOW: Words = { code: 'too_slow', message: 'This took too long: a shorter period or a filter makes it lighter.' }
const FAILED: Words = { code: 'search_failed', message: 'Elasticsearch can’t answer this from “%” at the moment.' }
/** By what Elasticsearch calls them. */
const FAULTS: Readonly<Record<string, Words>> = {
  index_not_found_exception: { code: 'no_index', message: 'There is no data yet: “%” is being built.' },
  index_closed_exception: { code: 'index_closed', message: 'The index of “%” is closed.' },
  cluster_block_exception: { code: 'index_blocked', message: 'The index of “%” is blocked.' },
}
