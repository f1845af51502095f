/** Thrown out of a wait that a stop has ended. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
}

export interface TurnsOptions {
  /** Requests under way at once. */
  readonly concurrency: number
  /** Steps per second, evenly spaced; as many as go without it. */
  readonly rate?: number | undefined
  /** ms, for tests. */
  readonly now?: () => number
}

/** How far the spacing of steps may fall behind before the missed ones are given up, ms: a pause is followed by no burst. */
const CATCH_UP_MS = 100

/**
 * Who may send a request now. At most `concurrency` are under way; open orders go before new ones, so that few are
 * open; steps keep to the rate, repeats of a step don't count towards it.
 */
export class Turns {
  readonly #concurrency: number
  readonly #spacing: number
  readonly #now: () => number
  readonly #steps: (() => void)[] = []
  readonly #repeats: (() => void)[] = []
  #spare: (() => void) | undefined
  #offer: NodeJS.Immediate | undefined
  #underWay = 0
  #nextStepAt = 0
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor({ concurrency, rate, now = () => performance.now() }: TurnsOptions) {
    this.#concurrency = concurrency
    this.#spacing = rate === undefined ? 0 : 1_000 / rate
    this.#now = now
  }

  /** Waits for the turn of an order's next step; nothing to wait for gives undefined. End it with `end()`. */
  step(): Promise<void> | undefined {
    if (this.#stopped) throw new Stopped()
    if (this.#steps.length === 0 && this.#free() && this.#due()) {
      this.#grantStep()
      return undefined
    }
    return this.#queue(this.#steps)
  }

  /** The same for a step that is sent again. */
  repeat(): Promise<void> | undefined {
    if (this.#stopped) throw new Stopped()
    if (this.#free()) {
      this.#underWay++
      return undefined
    }
    return this.#queue(this.#repeats)
  }

  end(): void {
    this.#underWay--
    this.#pump()
  }

  /** Waits until a step could be taken that no open order wants. One caller at a time. */
  spare(): Promise<void> {
    return new Promise((resolve) => {
      this.#spare = resolve
      this.#pump()
    })
  }

  /** Ends all waits: those for turns with `Stopped`. Turns under way go on until their `end()`. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    for (const granted of [...this.#repeats.splice(0), ...this.#steps.splice(0)]) granted()
    this.#spare?.()
  }

  async #queue(queue: (() => void)[]): Promise<void> {
    await new Promise<void>((resolve) => {
      queue.push(resolve)
      this.#pump()
    })
    if (this.#stopped) throw new Stopped()
  }

  #free(): boolean {
    return this.#underWay < this.#concurrency
  }

  #due(): boolean {
    return this.#spacing === 0 || this.#now() >= this.#nextStepAt
  }

  #grantStep(): void {
    this.#underWay++
    if (this.#spacing > 0) {
      this.#nextStepAt = Math.max(this.#nextStepAt, this.#now() - CATCH_UP_MS) + this.#spacing
    }
  }

  #pump(): void {
    if (this.#stopped) {
      this.#spare?.()
      return
    }
    while (this.#free()) {
      const repeat = this.#repeats.shift()
      if (repeat !== undefined) {
        this.#underWay++
        repeat()
        continue
      }
      if (this.#steps.length === 0 && this.#spare === undefined) return
      if (!this.#due()) {
        this.#wakeWhenDue()
        return
      }
      const step = this.#steps.shift()
      if (step !== undefined) {
        this.#grantStep()
        step()
        continue
      }
      this.#offerSpare()
      return
    }
  }

  /** Offered only after those whose step has just ended could ask for their next one. */
  #offerSpare(): void {
    this.#offer ??= setImmediate(() => {
      this.#offer = undefined
      if (!this.#free() || !this.#due() || this.#steps.length > 0) return this.#pump()
      const spare = this.#spare
      this.#spare = undefined
      spare?.()
    })
  }

  #wakeWhenDue(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined
        this.#pump()
      },
      Math.max(1, this.#nextStepAt - this.#now()),
    )
  }
}
