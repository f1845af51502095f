import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'

/** The way to the search didn't become complete in time. */
export class NotSearchable extends Error {
  override readonly name = 'NotSearchable'
}

export interface SearchableOptions {
  readonly signal?: AbortSignal
  /** How long it may take altogether, ms. */
  readonly giveUpMs: number
  /** How long freshness may not answer, ms: it comes back by itself within seconds, or not at all. */
  readonly outOfReachMs?: number
  /** How long one question may wait for its answer, ms. */
  readonly askMs?: number
  /** Told after each question what the wait is for. */
  readonly waitingFor?: (what: string) => void
}

const ASK_MS = 10_000
const ASK_AGAIN_MS = 250
const OUT_OF_REACH_MS = 60_000

/**
 * Waits until everything committed before the call can be found, and what services that subscribe made of it, by asking
 * the freshness process. It says what was before: its first answer has a mark, which later questions name.
 * @throws NotSearchable
 */
export async function waitUntilSearchable(
  freshnessUrl: string,
  { signal, giveUpMs, outOfReachMs = OUT_OF_REACH_MS, askMs = ASK_MS, waitingFor }: SearchableOptions,
): Promise<void> {
  const moment = new Date().toISOString()
  const query = new URLSearchParams({ timeout: String(askMs), settled: 'true' })
  const startedAt = performance.now()
  let answeredAt = startedAt
  for (;;) {
    const { status, what, mark } = await ask(`${freshnessUrl}/wait?${query}`, askMs, signal)
    signal?.throwIfAborted()
    if (status === 200) return
    const now = performance.now()
    if (status !== undefined) answeredAt = now
    if (mark) query.set('mark', mark)
    // It began anew, and knows no mark of before.
    if (status === 410) query.delete('mark')
    waitingFor?.(what)
    if (status === 400 || status === 404 || now - answeredAt > outOfReachMs) {
      throw new NotSearchable(
        `${freshnessUrl} doesn't tell what is searchable (${what}). Everything is written; whether it can be found ` +
          'is not known: see `tributary status` for the process freshness, then run `tributary wait`',
      )
    }
    if (now - startedAt > giveUpMs) {
      throw new NotSearchable(
        `what was written through ${moment} is not searchable after ${Math.round((now - startedAt) / 1_000)} s ` +
          `(${what}): see \`tributary status\`, then run \`tributary wait\``,
      )
    }
    await sleep(ASK_AGAIN_MS, undefined, { signal })
  }
}

async function ask(
  url: string,
  askMs: number,
  signal?: AbortSignal,
): Promise<{ status?: number; what: string; mark?: string | undefined }> {
  try {
    const ms = askMs + 10_000
    const { statusCode, body } = await request(url, { signal, headersTimeout: ms, bodyTimeout: ms })
    const text = await body.text()
    if (statusCode === 200) return { status: statusCode, what: '' }
    const { reason, mark } = readAnswer(text)
    return { status: statusCode, what: reason ?? `${statusCode} ${text.slice(0, 300)}`, mark }
  } catch (error) {
    return { what: (error as NodeJS.ErrnoException).code ?? (error as Error).message }
  }
}

function readAnswer(text: string): { reason?: string | undefined; mark?: string | undefined } {
  try {
    const { waitingFor, detail, message, mark } = JSON.parse(text) as Record<string, string | undefined>
    return { reason: waitingFor ?? detail ?? message, mark }
  } catch {
    return {}
  }
}
