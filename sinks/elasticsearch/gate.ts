/** How many bulks may be under way at first, and how many at most (measured: beyond four it gets no faster). */
const START = 2
const MOST = 4
const SMALLEST_BULK = 50
const LARGEST_BULK = 1000

/**
 * How much may be asked of Elasticsearch at once, learned from its answers: a little more after each bulk it took
 * whole, half as much when it was too busy for a part of one.
 */
export class Gate {
  #limit = START
  #bulk = LARGEST_BULK
  #underWay = 0
  readonly #waiting: (() => void)[] = []

  /** `look` is called whenever a place has become free. */
  onFree(look: () => void): void {
    this.#waiting.push(look)
  }

  /** Documents per bulk. */
  get bulkSize(): number {
    return Math.floor(this.#bulk)
  }

  /** Bulks at once. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  get underWay(): number {
    return this.#underWay
  }

  /** Takes a place; false when none is free. */
  enter(): boolean {
    if (this.#underWay >= this.limit) return false
    this.#underWay++
    return true
  }

  leave(): void {
    this.#underWay--
    for (const look of this.#waiting) look()
  }

  /** A bulk was taken whole. */
  wentWell(): void {
    this.#limit = Math.min(MOST, this.#limit + 1 / this.limit)
    this.#bulk = Math.min(LARGEST_BULK, this.#bulk * 1.1)
  }

  /** A part of a bulk, or all of it, has to be sent again. */
  wasTooMuch(): void {
    this.#limit = Math.max(1, this.#limit / 2)
    this.#bulk = Math.max(SMALLEST_BULK, this.#bulk / 2)
  }
}
