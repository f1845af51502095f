import { setting } from '#runtime/config'
import { printable } from '#runtime/printable'

/** Where the freshness service is. */
export const freshnessSettings = { FRESHNESS_URL: setting.url.prefault('http://127.0.0.1:14022') }

/** A wait that ended before everything was searchable. */
export class NotSearchableYet extends Error {
  override readonly name = 'NotSearchableYet'
}

export interface WaitOptions {
  readonly freshnessUrl: string
  /**
   * Also what follows from it: services that subscribe to others' topics commit changes of their own. Default: true.
   */
  readonly settled?: boolean
  readonly timeoutMs?: number
}

/** A single request is kept shorter than what clients and proxies cut off, in ms. */
const ONE_REQUEST_MS = 20_000
const AGAIN_MS = 200

/** A key that isn't searchable although everything else is: a record of it is an open dead letter of `app`. */
export interface Excepted {
  readonly readModel: string
  readonly app: string
  readonly id: string
  readonly topic: string
  readonly key: string | null
  readonly reason: string
  readonly since: string
}

/** A line for a person. */
export function describeExcepted({ app, topic, key, reason, since }: Excepted): string {
  return printable(`${topic}  ${key ?? '(no key)'}  ${reason}, set aside by ${app} at ${since}`)
}

interface Answer {
  readonly mark?: string
  readonly waitingFor?: string
  readonly detail?: string
  readonly readModels?: Record<string, { readonly except?: readonly Omit<Excepted, 'readModel'>[] }>
}

/**
 * Resolves when everything that was committed in any service's database before the call is searchable in every read
 * model, with what isn't because it was set aside. Throws `NotSearchableYet`, with what is being waited for, when that
 * takes longer than `timeoutMs`. What counts as "before" is settled by the freshness service, when it is first asked: no
 * clock is compared with another computer's.
 */
export async function waitUntilSearchable(options: WaitOptions): Promise<readonly Excepted[]> {
  const { freshnessUrl, settled = true, timeoutMs = 120_000 } = options
  const deadline = performance.now() + timeoutMs
  let why = 'nothing was heard of the freshness service'
  let mark: string | undefined
  for (;;) {
    const leftMs = Math.floor(deadline - performance.now())
    if (leftMs <= 0) throw new NotSearchableYet(`not searchable within ${timeoutMs / 1000} s: ${why}`)
    const query = new URLSearchParams({
      timeout: String(Math.min(leftMs, ONE_REQUEST_MS)),
      settled: String(settled),
      ...(mark && { mark }),
    })
    try {
      const response = await fetch(`${freshnessUrl}/wait?${query}`)
      const answer = (await response.json()) as Answer
      if (response.ok) return exceptedIn(answer)
      if (response.status === 400) throw new TypeError(answer.detail ?? 'the freshness service refuses the request')
      // It began anew and knows none of its old marks: a new one comes after all that was committed before.
      mark = response.status === 410 ? undefined : (answer.mark ?? mark)
      why = answer.waitingFor ?? answer.detail ?? `${response.status}`
    } catch (error) {
      if (error instanceof TypeError && !('cause' in error)) throw error
      why = `${freshnessUrl} doesn't answer: ${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message}`
      await new Promise((resolve) => setTimeout(resolve, Math.min(AGAIN_MS, leftMs)))
    }
  }
}

function exceptedIn({ readModels = {} }: Answer): Excepted[] {
  return Object.entries(readModels).flatMap(([readModel, { except = [] }]) => {
    return except.map((one) => ({ readModel, ...one }))
  })
}
