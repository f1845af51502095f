/**
 * Under load an epoch is what a worker gets done in a tenth of a second. In a backlog nobody waits for its first records
 * more than for its last, and a row that many of them change is written once per epoch: there, a fifth of what is left.
 */
const EPOCH_MS = { least: 100, most: 1_000 }
const SHARE_OF_BACKLOG = 0.2
const EPOCH_RECORDS = { least: 500, most: 20_000 }
const MOST_GROWTH = 2

/** How many records the first epoch may take. */
export const firstLimit = EPOCH_RECORDS.least

/** What an epoch came to. */
export interface EpochSize {
  readonly taken: number
  /** The time that taking them in and working them off took, in ms. */
  readonly workMs: number
  /** How many records were left. */
  readonly behind: number
}

/** How many records the next epoch may take, after one that was allowed `limit`. */
export function nextLimit(limit: number, { taken, workMs, behind }: EpochSize): number {
  const leftMs = (behind * workMs) / taken
  const epochMs = within(EPOCH_MS, leftMs * SHARE_OF_BACKLOG)
  const full = taken >= limit || workMs > epochMs
  return Math.round(within(EPOCH_RECORDS, full ? limit * Math.min(MOST_GROWTH, epochMs / workMs) : limit))
}

function within({ least, most }: { readonly least: number; readonly most: number }, value: number): number {
  return Math.min(most, Math.max(least, value))
}
