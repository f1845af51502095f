import { setTimeout as after } from 'node:timers/promises'

const FIRST_MS = 100
const LONGEST_MS = 5_000

/** How long to wait before attempt number `attempt` (1: the first repetition), in ms, with jitter of a half. */
export function backOffMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1))
  return full / 2 + random() * (full / 2)
}

/** Waits before the given attempt. Rejects as soon as `signal` is aborted. */
export function backOff(attempt: number, signal: AbortSignal): Promise<void> {
  return after(backOffMs(attempt), undefined, { signal })
}
