import { setTimeout as after } from 'node:timers/promises'
import { backOff } from './back-off.ts'
import { LIGHT } from './writer.ts'

/** Under load an index is refreshed this often, in ms. */
const LOADED_INTERVAL_MS = 1_000

/**
 * Makes searchable what bulks under load wrote: once per second, and at once for the last few (light traffic does
 * without it, see Writer). It rests as long as a refresh took, so that it never has more than half of the time.
 */
export class Refresher {
  readonly #refresh: () => Promise<unknown>
  readonly #signal: AbortSignal
  readonly #onFailure: (error: unknown) => void
  #waiting: { documents: number; resolve: () => void; reject: (error: unknown) => void }[] = []
  #running = false
  #startedAt = 0
  #restUntil = 0

  constructor(refresh: () => Promise<unknown>, signal: AbortSignal, onFailure: (error: unknown) => void = () => {}) {
    this.#refresh = refresh
    this.#signal = signal
    this.#onFailure = onFailure
  }

  /**
   * Resolves when what was written before the call is searchable. Rejects only when the signal is aborted.
   * @param documents how many were written
   */
  searchable(documents: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ documents, resolve, reject })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      while (this.#waiting.length > 0) {
        await this.#rest()
        const served = this.#waiting
        this.#waiting = []
        try {
          await this.#untilRefreshed()
          for (const one of served) one.resolve()
        } catch (error) {
          for (const one of served) one.reject(error)
        }
      }
    } catch (error) {
      for (const one of this.#waiting.splice(0)) one.reject(error)
    } finally {
      this.#running = false
    }
  }

  async #rest(): Promise<void> {
    for (;;) {
      const written = this.#waiting.reduce((sum, one) => sum + one.documents, 0)
      const notBefore = written > LIGHT ? this.#startedAt + LOADED_INTERVAL_MS : this.#restUntil
      const ms = notBefore - performance.now()
      if (ms <= 0) return
      await after(Math.min(ms, 50), undefined, { signal: this.#signal })
    }
  }

  async #untilRefreshed(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.#startedAt = performance.now()
      try {
        await this.#refresh()
        const endedAt = performance.now()
        this.#restUntil = endedAt + (endedAt - this.#startedAt)
        return
      } catch (error) {
        this.#onFailure(error)
        await backOff(attempt, this.#signal)
      }
    }
  }
}
