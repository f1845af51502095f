import type { Service } from './script.ts'

/** The estimate is bounded, so that one slow moment doesn't hold everybody back for long, ms. */
const LONGEST_LAG_MS = 5_000
/** How much of the estimate is kept when a first attempt succeeds: it is probed downwards, slowly. */
const SHRINK = 0.98
/** The share of a new observation in the estimate. */
const SHARE = 0.3
const FIRST_BACK_OFF_MS = 50
const SHORTEST_BOUND_MS = 1_000
const LONGEST_BACK_OFF_MS = 10_000
/** Of all who wait for a service, one in so many ms asks it again. */
const ASK_EVERY_MS = 20

/**
 * How long to wait for services: for one to hear of a placed order, for one that is down.
 *
 * It learns how long a service takes to hear of an order from commands that came too early, so that the next ones are
 * sent about when they succeed. Of many who wait for the same service only some ask, and the first success wakes those
 * it speaks for: a service that is far behind, or just coming back, isn't kept busy with refusing.
 */
export class Patience {
  readonly #lag = new Map<Service, number>()
  readonly #waiting = new Map<Service, Set<{ placedAt: number; wake: () => void }>>()

  /** How long to wait before a command on an order placed at `placedAt`, ms. */
  before(service: Service, placedAt: number, now = performance.now()): number {
    const lag = this.#lag.get(service)
    return lag === undefined ? 0 : Math.max(0, placedAt + lag - now)
  }

  /**
   * How long to wait after the n-th attempt failed, ms: doubles up to a bound that grows with those who wait; spread,
   * so that who failed together doesn't come back together.
   */
  backOff(service: Service, attempt: number): number {
    const waiting = this.#waiting.get(service)?.size ?? 0
    const bound = Math.min(LONGEST_BACK_OFF_MS, Math.max(SHORTEST_BOUND_MS, waiting * ASK_EVERY_MS))
    return Math.min(bound, FIRST_BACK_OFF_MS * 2 ** Math.min(attempt - 1, 20)) * (0.5 + Math.random() / 2)
  }

  /**
   * Waits for `ms`, or until the service has carried out a command on an order placed at the same time or later.
   * @param placedAt 0 when any success will do
   */
  wait(service: Service, placedAt: number, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const others = this.#waiting.get(service) ?? new Set()
      this.#waiting.set(service, others)
      const waiter = {
        placedAt,
        wake: () => {
          clearTimeout(timer)
          others.delete(waiter)
          resolve()
        },
      }
      const timer = setTimeout(waiter.wake, ms)
      others.add(waiter)
    })
  }

  /**
   * A command succeeded at its n-th attempt.
   * @param placedAt when its order was placed; 0 where the service didn't need to hear of it
   */
  learn(service: Service, placedAt: number, attempt: number, now = performance.now()): void {
    if (placedAt > 0) this.#estimate(service, now - placedAt, attempt)
    for (const waiter of this.#waiting.get(service) ?? []) if (waiter.placedAt <= placedAt) waiter.wake()
  }

  /** Ends all waits. */
  wakeAll(): void {
    for (const others of this.#waiting.values()) for (const waiter of others) waiter.wake()
  }

  #estimate(service: Service, ms: number, attempt: number): void {
    const lag = this.#lag.get(service)
    if (attempt > 1) {
      const seen = Math.min(LONGEST_LAG_MS, ms)
      this.#lag.set(service, lag === undefined ? seen : lag + (seen - lag) * SHARE)
    } else if (lag !== undefined) this.#lag.set(service, lag * SHRINK)
  }
}
