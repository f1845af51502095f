const FIRST_MS = 200
const FACTOR = 1.5
const MOST_MS = 15_000

/** A process that has lived this long, ms, is taken for sound: its next end is its first again. */
export const STEADY_MS = 30_000

/**
 * How long a process that ended waits before it is started again, ms: 200, 300, 450 … 15,000. It never gives up: a
 * server that is away for an hour must find its clients when it is back.
 * @param ends how often it has ended before, one after the other
 */
export function delayAfter(ends: number): number {
  return Math.round(Math.min(MOST_MS, FIRST_MS * FACTOR ** ends))
}
