/** How many bulks may be under way at first, and how many at most (measured: beyond four it gets no faster). */
const START = 2
const MOST = 4
const SMALLEST_BULK = 50
const LARGEST_BULK = 1000
/** A bulk that isn't answered for so long, in ms, no longer takes a place: it says something of its index alone. */
const LONGEST_HOLD_MS = 2_000

/** The bulks of all lanes together: what Elasticsearch is asked for at once, however many read models there are. */
export class Places {
  #taken = 0
  #last = -1
  readonly #waiting: (() => void)[] = []

  /** `look` is called whenever a place has become free. Gives the number to take places with. */
  onFree(look: () => void): number {
    return this.#waiting.push(look) - 1
  }

  /** Takes a place; false when none is free. */
  take(who: number): boolean {
    if (this.#taken >= MOST) return false
    this.#taken++
    this.#last = who
    return true
  }

  /** Gives a place back: those who wait look in turn, beginning behind the one who had the last. */
  free(): void {
    this.#taken--
    const { length } = this.#waiting
    for (let i = 1; i <= length; i++) this.#waiting[(this.#last + i) % length]!()
  }
}

/**
 * How much one lane may ask of Elasticsearch at once, learned from the answers to it: a little more after each bulk
 * that was taken whole, half as much when the server was too busy for a part of one. A lane whose documents aren't taken
 * tries with one bulk, which takes no place from the others.
 */
export class Gate {
  readonly #places: Places
  readonly #number: number
  #limit = START
  #bulk = LARGEST_BULK
  #underWay = 0
  #ill = false

  /** @param look called whenever a place has become free */
  constructor(places: Places, look: () => void) {
    this.#places = places
    this.#number = places.onFree(look)
  }

  /** Documents per bulk. */
  get bulkSize(): number {
    return Math.floor(this.#bulk)
  }

  /** Bulks at once. */
  get limit(): number {
    return this.#ill ? 1 : Math.floor(this.#limit)
  }

  get underWay(): number {
    return this.#underWay
  }

  /** Takes a place and gives what gives it back, or undefined when none is free. */
  enter(): (() => void) | undefined {
    if (this.#underWay >= this.limit) return undefined
    let held = !this.#ill
    if (held && !this.#places.take(this.#number)) return undefined
    const free = () => {
      if (held) this.#places.free()
      held = false
    }
    const timer = setTimeout(free, LONGEST_HOLD_MS).unref()
    this.#underWay++
    return () => {
      clearTimeout(timer)
      this.#underWay--
      free()
    }
  }

  /** A bulk was taken whole. */
  wentWell(): void {
    this.#limit = Math.min(MOST, this.#limit + 1 / Math.floor(this.#limit))
    this.#bulk = Math.min(LARGEST_BULK, this.#bulk * 1.1)
  }

  /** A part of a bulk, or all of it, has to be sent again: the server is busy. */
  wasTooMuch(): void {
    this.#limit = Math.max(1, this.#limit / 2)
    this.#bulk = Math.max(SMALLEST_BULK, this.#bulk / 2)
  }

  /** At least a part of a bulk was taken. */
  tookSome(): void {
    this.#ill = false
  }

  /** Nothing of a bulk was taken. */
  tookNothing(): void {
    this.#ill = true
  }
}
