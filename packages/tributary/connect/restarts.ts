import { type ConnectorStatus, hasFailed, isUnassigned } from './connect.ts'
import type { Stalls } from './stalls.ts'

const FIRST_PAUSE_MS = 5_000
/** Where the cause is mended, its events wait at most this much longer; a start that fails costs Connect a second's work. */
const LONGEST_PAUSE_MS = 30_000
/** A connector that ran this long starts again with the shortest pause. */
const WELL_MS = 60_000

/**
 * UNASSIGNED for this long is no passing rebalance: a worker that stopped wrote its last word after its successor's
 * RUNNING, and nothing corrects it (KAFKA-12525 mends it for workers of different addresses only).
 */
const UNASSIGNED_MS = 20_000

/** What of a connector must be restarted now, seeing how long it has been as it is; undefined for nothing. */
export function restartDue(stalls: Stalls, connector: string, status: ConnectorStatus | undefined, now: number) {
  return whatToRestart(status, stalls.notes(connector, JSON.stringify(status ?? null), now))
}

/** The same, given for how long (ms) its status has been the same. */
export function whatToRestart(status: ConnectorStatus | undefined, sameForMs: number): 'failed' | 'all' | undefined {
  if (hasFailed(status)) return 'failed'
  return isUnassigned(status) && sameForMs > UNASSIGNED_MS ? 'all' : undefined
}

/** When failed connectors are restarted: at once, then after pauses that double. Times are ms since the epoch. */
export interface Restarts {
  isDue(connector: string, now: number): boolean
  /** Notes a restart; gives the pause (ms) until the next one. */
  noteRestart(connector: string, now: number): number
  /** Notes that the connector runs. */
  ranWell(connector: string, now: number): void
}

export function openRestarts(): Restarts {
  const pauses = new Map<string, { next: number; pause: number; restarted: number }>()
  return {
    isDue: (connector, now) => now >= (pauses.get(connector)?.next ?? 0),
    noteRestart(connector, now) {
      const pause = Math.min((pauses.get(connector)?.pause ?? FIRST_PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS)
      pauses.set(connector, { next: now + pause, pause, restarted: now })
      return pause
    },
    ranWell(connector, now) {
      const state = pauses.get(connector)
      if (state && now - state.restarted > WELL_MS) pauses.delete(connector)
    },
  }
}
