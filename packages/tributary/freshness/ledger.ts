import type { Cursor } from './databases.ts'

/**
 * One service's outbox against its topic: which events were committed and haven't been seen in the topic. Rows and
 * records come in any order. Every record was a row first, so a record that came before a look began and that no look
 * finds is one of a row found earlier.
 */
export class Ledger {
  cursor: Cursor
  /** Committed, and not in the topic yet, with the look that found them. */
  readonly #awaited = new Map<string, number>()
  /** Lost: the topic doesn't have them and never will. With the look that found them. */
  readonly #lost = new Map<string, number>()
  /** In the topic, and not found as rows yet; the older ones came before the look before the last. */
  #early = new Set<string>()
  #earlier = new Set<string>()
  #earliest = new Set<string>()
  #looks = 0

  constructor(cursor: Cursor) {
    this.cursor = cursor
  }

  /** The number of the last look. */
  get looks(): number {
    return this.#looks
  }

  /** How many ids are kept. */
  get size(): number {
    return this.#awaited.size + this.#lost.size + this.#early.size + this.#earlier.size + this.#earliest.size
  }

  /** An event is in the topic. */
  seen(id: string): void {
    const awaited = this.#awaited.delete(id)
    // The record of a lost row is that of its repeat, whose own row may not have been found yet.
    this.#lost.delete(id)
    if (!awaited) this.#early.add(id)
  }

  /** A look begins. */
  look(): void {
    this.#looks++
    for (const id of this.#earlier) this.#earliest.add(id)
    this.#earlier = this.#early
    this.#early = new Set()
  }

  /** What the look found. @param all whether it found all that was committed when it began */
  found(ids: readonly string[], cursor: Cursor, all: boolean): void {
    // A repeat may be found with the row it repeats: the record of either is one of the id.
    for (const id of new Set(ids)) {
      const came = this.#early.delete(id) || this.#earlier.delete(id) || this.#earliest.delete(id)
      if (!came) this.#awaited.set(id, this.#looks)
    }
    this.cursor = cursor
    if (all) this.#earliest = new Set()
  }

  /** The topic was read up to where everything found so far must be, up to that look: what isn't there is lost. */
  judge(upTo: number): void {
    for (const [id, look] of this.#awaited) {
      if (look > upTo) continue
      this.#awaited.delete(id)
      // A repeat that is lost as well leaves the claim where it was.
      if (!this.#lost.has(id)) this.#lost.set(id, look)
    }
  }

  /** How many events found up to that look aren't in the topic. */
  missing(upTo = this.#looks): number {
    let missing = 0
    for (const [id, look] of this.#awaited) if (look <= upTo && !this.#lost.has(id)) missing++
    for (const look of this.#lost.values()) if (look <= upTo) missing++
    return missing
  }

  get awaited(): number {
    return this.#awaited.size
  }

  /** Ids of lost events that aren't on their way again, oldest first. */
  get lost(): string[] {
    return [...this.#lost.keys()].filter((id) => !this.#awaited.has(id))
  }

  get firstLost(): string | undefined {
    return this.#lost.keys().next().value
  }

  /** How many are lost, whether on their way again or not. */
  get lostCount(): number {
    return this.#lost.size
  }
}
