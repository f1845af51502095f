/** An epoch is as large as what a worker gets done in that time, and never larger than the record bound. */
const EPOCH_MS = 100
const EPOCH_RECORDS = { least: 500, most: 20_000 }

/** How many records the first epoch may take. */
export const firstLimit = EPOCH_RECORDS.least

/** How many records the next epoch may take, after one that took `taken` in `workMs`. */
export function nextLimit(limit: number, taken: number, workMs: number): number {
  let next = limit
  if (workMs > EPOCH_MS) next = limit * (EPOCH_MS / workMs)
  else if (taken >= limit) next = limit * 1.5
  return Math.round(Math.min(EPOCH_RECORDS.most, Math.max(EPOCH_RECORDS.least, next)))
}
