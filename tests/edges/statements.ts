import { setTimeout as after } from 'node:timers/promises'
import type { Change, Traffic } from './traffic.ts'

interface Claim {
  readonly completeThrough: string | null
  readonly index: string | null
  readonly except: readonly { readonly key: string | null }[]
}

/** What came of statements of freshness that were held against the truth. */
export interface Checked {
  /** Statements about a read model that claimed something. */
  taken: number
  /** Whose index was another one by the time that it was looked at. */
  overtaken: number
  /** Claims that weren't so, for a person. */
  readonly wrong: string[]
}

/** So many of the changes before what a statement says are looked at, and so many of all before: an index may be lost. */
const RECENT_ONES = 60
const OLD_ONES = 20

/**
 * Takes statements of freshness, one after the other, until it is stopped, and holds each against the truth: what was
 * answered before the moment it says must be seen by readers, unless it names the key or its index isn't served any more.
 *
 * @param everyMs the pause between two: what is to measure a pace must not be the load
 */
export function checkStatements(
  { freshness, elasticsearch }: { readonly freshness: string; readonly elasticsearch: string },
  traffic: Traffic,
  { everyMs = 20 }: { readonly everyMs?: number } = {},
): { readonly checked: Checked; stop(): Promise<void> } {
  const checked: Checked = { taken: 0, overtaken: 0, wrong: [] }
  let stopped = false

  async function check(): Promise<void> {
    const response = await fetch(`${freshness}/freshness`, { signal: AbortSignal.timeout(5_000) })
    const { readModels } = (await response.json()) as { readModels: Record<string, Claim> }
    const claims = Object.entries(readModels).flatMap(([readModel, claim]) => {
      if (claim.completeThrough === null) return []
      const through = Date.parse(claim.completeThrough)
      const before = traffic.changes.filter(({ index, answeredAt }) => index === readModel && answeredAt < through)
      const old = Array.from({ length: OLD_ONES }, () => before[Math.floor(Math.random() * before.length)]!)
      return [{ readModel, claim, looked: before.length > 0 ? [...before.slice(-RECENT_ONES), ...old] : [] }]
    })
    const missing = await traffic.missing([...new Set(claims.flatMap(({ looked }) => looked))])
    for (const { readModel, claim } of claims) {
      checked.taken++
      const excepted = new Set(claim.except.map(({ key }) => key))
      const unsaid = missing.filter(({ index, id }) => index === readModel && !excepted.has(id))
      if (unsaid.length === 0) continue
      if ((await servedIndex(readModel)) !== claim.index) checked.overtaken++
      else checked.wrong.push(describe(readModel, claim, unsaid))
    }
  }

  /** The id of the index that readers see now, as a claim names it. */
  async function servedIndex(readModel: string): Promise<string | undefined> {
    const response = await fetch(`${elasticsearch}/${readModel}/_settings?flat_settings=true`)
    if (!response.ok) return undefined
    const found = Object.values((await response.json()) as Record<string, { settings: Record<string, string> }>)
    const settings = found[0]?.settings ?? {}
    return [settings['index.uuid'], settings['index.history.uuid']].filter(Boolean).join('/')
  }

  const checking = (async () => {
    while (!stopped) {
      // Whoever doesn't answer states nothing.
      await check().catch(() => {})
      await after(everyMs)
    }
  })()
  return {
    checked,
    async stop() {
      stopped = true
      await checking
    },
  }
}

function describe(readModel: string, { completeThrough, index }: Claim, missing: readonly Change[]): string {
  const first = missing[0]!
  const answered = new Date(first.answeredAt).toISOString()
  return `${readModel} was said to be complete through ${completeThrough} (index ${index}), and lacked ${missing.length} changes, the first ${first.id}, answered ${answered}`
}
