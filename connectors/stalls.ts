/** Since when positions stand still. A task can be RUNNING and yet wait for ever; its slot tells. */
export interface Stalls {
  /** Notes a position; gives for how long (ms) it has been the same. */
  notes(slot: string, position: string, now: number): number
}

export function openStalls(): Stalls {
  const seen = new Map<string, { position: string; since: number }>()
  return {
    notes(slot, position, now) {
      const last = seen.get(slot)
      if (last?.position === position) return now - last.since
      seen.set(slot, { position, since: now })
      return 0
    },
  }
}
