import { setTimeout as after } from 'node:timers/promises'
import type { StackSettings } from '../environment.ts'
import { ailmentOf } from '../health.ts'
import type { Supervisor } from '../supervisor/client.ts'
import type { Screen } from './screen.ts'

const LOOK_MS = 50
/** How long a process may take until it is well, before it is said that it isn't. */
const READY_MS = 60_000

/** Starts processes anew with the code that is there now, and says how that went. */
export class Restarts {
  readonly #supervisor: Supervisor
  readonly #screen: Screen
  /** Those that ended soon after they were started: each waits for a change that mends it. */
  readonly ended = new Set<string>()
  /** The latest start of each. */
  readonly #latest = new Map<string, symbol>()

  constructor(supervisor: Supervisor, screen: Screen) {
    this.#supervisor = supervisor
    this.#screen = screen
  }

  /**
   * @param began when the change was seen, ms of `performance.now()`
   * @returns when the old ones are gone and the new ones were started; `well` when each of these is well, or isn't
   */
  async restart(
    names: Iterable<string>,
    settings: StackSettings,
    began: number,
  ): Promise<{ readonly well: Promise<unknown> }> {
    const kept = new Set((await this.#supervisor.list()).map(({ name }) => name))
    const started = await Promise.all(
      [...names]
        .filter((name) => kept.has(name))
        .map(async (name) => {
          const start = Symbol(name)
          this.#latest.set(name, start)
          this.ended.delete(name)
          await this.#supervisor.restart(name, { onTrial: true })
          return () => this.#untilWell(name, start, settings, began)
        }),
    )
    return { well: Promise.all(started.map((untilWell) => untilWell())) }
  }

  /** Nothing is said any more. */
  close(): void {
    this.#latest.clear()
  }

  async #untilWell(name: string, start: symbol, { shape, ports }: StackSettings, began: number): Promise<void> {
    const spec = shape.processes.find((one) => one.name === name)!
    const seconds = () => ((performance.now() - began) / 1000).toFixed(1)
    let ailment: string | undefined
    for (let look = 0; this.#latest.get(name) === start; look++) {
      ailment = await ailmentOf(spec, ports, {})
      const now = ailment === undefined || look % 5 === 4 ? await this.#find(name) : undefined
      if (this.#latest.get(name) !== start) return
      if (ailment === undefined && now?.state === 'online') {
        // Whatever ends it from here on is no fault of the start.
        await this.#supervisor.keep(name)
        return this.#screen.say(`${name} runs what is written (${seconds()} s)`)
      }
      if (now?.state === 'stopped') {
        this.ended.add(name)
        return this.#screen.fault('dev', `${name} ${now.lastEnd}: it is started again when you save`)
      }
      if (performance.now() - began > READY_MS) {
        return this.#screen.fault('dev', `${name} isn't well after ${seconds()} s: ${ailment}`)
      }
      await after(LOOK_MS)
    }
  }

  async #find(name: string) {
    const list = await this.#supervisor.list().catch(() => [])
    return list.find((one) => one.name === name)
  }
}
