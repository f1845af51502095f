import { type ChildProcess, spawn } from 'node:child_process'
import { delayAfter, STEADY_MS } from './back-off.ts'
import type { LogFile } from './log-file.ts'
import type { Supervised, ToStart } from './protocol.ts'

/** How long a process may take to end in good order, and how long the system may take to end it, ms. */
const STOP_MS = 20_000
const KILL_MS = 10_000

/**
 * A process that is kept running: started again, after a pause, whenever it ends.
 *
 *     online ⇄ waiting restart          (it ends; the pause is over)
 *     online, waiting restart → stopping → stopped
 *     online → stopped                  (it was on trial, and ended soon)
 */
export class KeptProcess {
  readonly #what: ToStart
  readonly #log: LogFile
  #state: Supervised['state'] = 'waiting restart'
  #child: ChildProcess | undefined
  #since = 0
  #restarts = 0
  #onTrial = false
  /** Ends one after the other, without a life of STEADY_MS between them. */
  #ends = 0
  #lastEnd: string | undefined
  #pause: NodeJS.Timeout | undefined
  #gone: Promise<void> = Promise.resolve()

  constructor(what: ToStart, log: LogFile) {
    this.#what = what
    this.#log = log
    this.#start()
  }

  describe(): Supervised {
    const online = this.#state === 'online'
    return {
      name: this.#what.name,
      state: this.#state,
      pid: this.#child?.pid,
      restarts: this.#restarts,
      since: online ? this.#since : undefined,
      definition: this.#what.definition,
      ...(online || !this.#lastEnd ? {} : { lastEnd: this.#lastEnd }),
    }
  }

  /** Asks it to end, kills it when it doesn't, resolves when it is gone. Throws when the system can't end it. */
  async stop(): Promise<void> {
    clearTimeout(this.#pause)
    const child = this.#child
    if (!child) {
      this.#state = 'stopped'
      return
    }
    const already = this.#state === 'stopping'
    this.#state = 'stopping'
    if (!already) child.kill(this.#what.stopSignal)
    if (await this.#goneWithin(STOP_MS)) return
    this.#log.note(`${this.#what.name} (pid ${child.pid}) didn't end within ${STOP_MS / 1000} s: killed`)
    child.kill('SIGKILL')
    if (await this.#goneWithin(KILL_MS)) return
    throw new Error(`${this.#what.name} (pid ${child.pid}) doesn't end, not even when killed: what does it wait for?`)
  }

  /** Ends it and starts it at once, as often as one likes. */
  async restart(onTrial = false): Promise<void> {
    await this.stop()
    this.#onTrial = onTrial
    this.#ends = 0
    this.#restarts++
    this.#start()
  }

  /** Ends a trial. */
  keep(): void {
    this.#onTrial = false
  }

  #start(): void {
    const { name, command, args, cwd, env, account } = this.#what
    this.#state = 'online'
    this.#since = Date.now()
    let child: ChildProcess
    try {
      child = spawn(command, [...args], {
        cwd,
        // Exactly this: nothing of whoever started the supervisor.
        env: { ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        // A group of its own: a signal to the supervisor's group ends no server out of turn.
        detached: true,
        ...(account ? { uid: account.uid, gid: account.gid } : {}),
      })
    } catch (error) {
      this.#ended(`can't be started: ${(error as Error).message}`)
      return
    }
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (said) => this.#log.write(said))
      stream?.on('error', () => {})
    }
    this.#gone = new Promise((resolve) => {
      const end = (how: string) => {
        if (this.#child !== child) return
        this.#child = undefined
        this.#ended(how)
        resolve()
      }
      child.once('exit', (code, signal) => end(signal ? `was ended by ${signal}` : `ended with status ${code}`))
      // A start that failed has no pid. Signals that can't be sent are errors, too, and end nothing.
      child.on('error', (error) => {
        if (child.pid === undefined) end(`can't be started: ${error.message}`)
        else this.#log.note(`${name}: ${error.message}`)
      })
    })
  }

  #ended(how: string): void {
    this.#lastEnd = how
    if (this.#state === 'stopping') {
      this.#state = 'stopped'
      return
    }
    const steady = Date.now() - this.#since >= STEADY_MS
    if (this.#onTrial && !steady) {
      this.#state = 'stopped'
      this.#log.note(`${this.#what.name} ${how}; it was on trial: not started again`)
      return
    }
    if (steady) {
      this.#ends = 0
      this.#onTrial = false
    }
    const delay = delayAfter(this.#ends++)
    this.#state = 'waiting restart'
    this.#log.note(`${this.#what.name} ${how}; started again in ${delay} ms`)
    this.#pause = setTimeout(() => {
      this.#restarts++
      this.#start()
    }, delay)
  }

  #goneWithin(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms)
      this.#gone.then(() => {
        clearTimeout(timer)
        resolve(true)
      })
    })
  }
}
