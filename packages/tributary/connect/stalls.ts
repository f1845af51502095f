/** Since when things stand still. A task can be RUNNING and yet wait for ever; its slot tells. */
export interface Stalls {
  /** Notes where a thing is; gives for how long (ms) it has been there. */
  notes(thing: string, position: string, now: number): number
}

export function openStalls(): Stalls {
  const seen = new Map<string, { position: string; since: number }>()
  return {
    notes(thing, position, now) {
      const last = seen.get(thing)
      if (last?.position === position) return now - last.since
      seen.set(thing, { position, since: now })
      return 0
    },
  }
}
