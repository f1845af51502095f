import { setTimeout as sleep } from 'node:timers/promises'

type Falsy = false | null | undefined | 0 | ''

/**
 * Polls until `condition` gives something truthy, and gives that. An error of the condition counts as "not yet".
 * @param what completes the sentence "waited … ms until …"
 * @throws Error saying what was waited for, and the last error or value, when the deadline passes
 */
export async function waitUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeoutMs = 20_000, everyMs = 50 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, Falsy>> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value) return value as Exclude<T, Falsy>
      last = value
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) {
      const seen = last instanceof Error ? `the last look failed: ${last.message}` : `the last look gave ${show(last)}`
      throw new Error(`waited ${timeoutMs} ms until ${what}; ${seen}`, { cause: last })
    }
    await sleep(everyMs)
  }
}

function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}
