import { setting } from '#runtime/config.ts'

/** Where the freshness service is. */
export const freshnessSettings = { FRESHNESS_URL: setting.url.prefault('http://127.0.0.1:14022') }

/** A wait that ended before everything was searchable. */
export class NotSearchableYet extends Error {
  override readonly name = 'NotSearchableYet'
}

export interface WaitOptions {
  readonly freshnessUrl: string
  /** Everything committed before this is waited for; default: now. */
  readonly through?: Date
  /**
   * Also what follows from it: services that subscribe to others' topics commit changes of their own. Default: true.
   */
  readonly settled?: boolean
  readonly timeoutMs?: number
}

/** A single request is kept shorter than what clients and proxies cut off, in ms. */
const ONE_REQUEST_MS = 20_000
const AGAIN_MS = 200

/**
 * Resolves when everything that was committed in any service's database before `through` is searchable in every read
 * model. Throws `NotSearchableYet`, with what is being waited for, when that takes longer than `timeoutMs`.
 */
export async function waitUntilSearchable(options: WaitOptions): Promise<void> {
  const { freshnessUrl, through = new Date(), settled = true, timeoutMs = 120_000 } = options
  const deadline = performance.now() + timeoutMs
  let why = 'nothing was heard of the freshness service'
  for (;;) {
    const leftMs = Math.floor(deadline - performance.now())
    if (leftMs <= 0) throw new NotSearchableYet(`not searchable within ${timeoutMs} ms: ${why}`)
    const query = new URLSearchParams({
      through: through.toISOString(),
      timeout: String(Math.min(leftMs, ONE_REQUEST_MS)),
      settled: String(settled),
    })
    try {
      const response = await fetch(`${freshnessUrl}/wait?${query}`)
      const answer = (await response.json()) as { readonly waitingFor?: string; readonly detail?: string }
      if (response.ok) return
      if (response.status === 400) throw new TypeError(answer.detail ?? 'the freshness service refuses the request')
      why = answer.waitingFor ?? answer.detail ?? `${response.status}`
    } catch (error) {
      if (error instanceof TypeError && !('cause' in error)) throw error
      why = `${freshnessUrl} doesn't answer: ${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message}`
      await new Promise((resolve) => setTimeout(resolve, Math.min(AGAIN_MS, leftMs)))
    }
  }
}
