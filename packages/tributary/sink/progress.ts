/** A part of a partition that was taken and is to be answered for. */
export interface Ticket {
  /** Everything before `next` that this part covers is searchable or accounted for. */
  done(): void
}

interface Part {
  readonly next: bigint
  done: boolean
}

/**
 * How far each partition has come without a gap. Parts may be finished in any order; a position moves over a part
 * only when all parts before it are done, so that a committed position never lies behind unanswered records.
 */
export class Progress {
  readonly #parts = new Map<string, Part[]>()
  readonly #positions = new Map<string, bigint>()
  #changed = new Set<string>()

  /** Begins a part that ends before offset `next`. Parts of a partition are begun in their order. */
  begin(partition: string, next: bigint): Ticket {
    const parts = this.#parts.get(partition) ?? []
    this.#parts.set(partition, parts)
    const part: Part = { next, done: false }
    parts.push(part)
    return {
      done: () => {
        part.done = true
        this.#advance(partition, parts)
      },
    }
  }

  /** Whether nothing is begun and not done. */
  get idle(): boolean {
    return [...this.#parts.values()].every((parts) => parts.length === 0)
  }

  /** The positions that moved since the last call. */
  takeChanged(): Map<string, bigint> {
    const changed = new Map([...this.#changed].map((partition) => [partition, this.#positions.get(partition)!]))
    this.#changed = new Set()
    return changed
  }

  /** Puts positions back that could not be committed, so that the next call gives them again. */
  putBack(partitions: Iterable<string>): void {
    for (const partition of partitions) if (this.#positions.has(partition)) this.#changed.add(partition)
  }

  #advance(partition: string, parts: Part[]): void {
    while (parts[0]?.done) {
      this.#positions.set(partition, parts.shift()!.next)
      this.#changed.add(partition)
    }
  }
}
