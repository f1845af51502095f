import type { Marketplace, Order } from './marketplace.ts'
import { Patience } from './patience.ts'
import { type Command, commandsOf, type Master, mastersOf, mastersWithoutOrder } from './script.ts'
import type { Sender } from './send.ts'
import { Stopped, Turns } from './turns.ts'

/** What a player remembers across runs: orders and masters that are done, by id. */
export interface Memory {
  has(id: string): boolean
  add(id: string): void
}

/** What has happened so far. */
export interface Tally {
  /** Orders played to their end, by this run. */
  orders: number
  /** Commands that were carried out. */
  commands: number
  /** Commands that had to be sent again: the service didn't know yet, or was down. */
  notYet: number
  down: number
  /** The answer to the last of these. */
  lastTrouble?: string
}

export interface PlayerOptions {
  readonly sender: Pick<Sender, 'send'>
  readonly memory: Memory
  /** Requests under way at once. */
  readonly concurrency: number
  /** Commands per second; as many as go without it. */
  readonly rate?: number | undefined
  /** Stops the playing: steps under way are finished, none is begun. */
  readonly signal?: AbortSignal
  readonly tally?: Tally
  /** Gives up when a command keeps failing and nothing at all has succeeded for so long, ms. */
  readonly giveUpMs?: number
}

/** A command that can't be carried out. */
export class PlayFailed extends Error {
  override readonly name = 'PlayFailed'
}

/**
 * So many orders may be open at once. Most of them wait for one service to hear of another, which takes a while under
 * load and costs nothing but memory.
 */
const MAX_OPEN_ORDERS = 1_024
const GIVE_UP_MS = 300_000

/**
 * Plays a marketplace: orders are begun by purchase time and overlap, the steps of one come strictly one after
 * another, each once the one before was answered. Customers, sellers and products are told once, before the first
 * order that refers to them. Orders that the memory has are left out.
 * @returns true when all is played, false when stopped
 * @throws PlayFailed
 */
export async function play(market: Marketplace, options: PlayerOptions): Promise<boolean> {
  const player = new Player(market, options)
  return player.run()
}

class Player {
  readonly #market: Marketplace
  readonly #options: PlayerOptions
  readonly #tally: Tally
  readonly #turns: Turns
  readonly #patience = new Patience()
  /** Being told. */
  readonly #masters = new Map<string, Promise<void>>()
  readonly #open = new Set<Promise<void>>()
  /** Services that failed to answer last time. */
  readonly #down = new Set<string>()
  #stopped = false
  #failure: unknown
  #failingSince: number | undefined
  #closed: (() => void) | undefined

  constructor(market: Marketplace, options: PlayerOptions) {
    this.#market = market
    this.#options = options
    this.#tally = options.tally ?? { orders: 0, commands: 0, notYet: 0, down: 0 }
    this.#turns = new Turns(options)
  }

  async run(): Promise<boolean> {
    const { signal, memory } = this.#options
    const stop = () => this.#stop()
    signal?.addEventListener('abort', stop)
    if (signal?.aborted) stop()
    try {
      for (const order of this.#market.orders) {
        if (memory.has(order.orderId)) continue
        await this.#room()
        if (this.#stopped) break
        this.#begin(this.#playOrder(order))
      }
      await Promise.all(this.#open)
      if (!this.#stopped) {
        this.#begin(this.#playRest())
        await Promise.all(this.#open)
      }
    } finally {
      signal?.removeEventListener('abort', stop)
    }
    if (this.#failure !== undefined) throw this.#failure
    return !this.#stopped
  }

  /** Waits until another order may be begun. While a service is down no new ones pile up before it. */
  async #room(): Promise<void> {
    for (;;) {
      await this.#turns.spare()
      if (this.#stopped) return
      if (this.#open.size < MAX_OPEN_ORDERS && (this.#down.size === 0 || this.#open.size === 0)) return
      await new Promise<void>((resolve) => {
        this.#closed = resolve
      })
    }
  }

  #begin(work: Promise<void>): void {
    const watched = work
      .catch((error) => {
        if (error instanceof Stopped) return
        this.#failure ??= error
        this.#stop()
      })
      .finally(() => {
        this.#open.delete(watched)
        this.#roomMayBe()
      })
    this.#open.add(watched)
  }

  #roomMayBe(): void {
    this.#closed?.()
    this.#closed = undefined
  }

  #stop(): void {
    this.#stopped = true
    this.#turns.stop()
    this.#patience.wakeAll()
    this.#roomMayBe()
  }

  async #playOrder(order: Order): Promise<void> {
    const where = `order "${order.orderId}"`
    for (const master of mastersOf(this.#market, order)) {
      const told = this.#tell(master, where)
      if (told !== undefined) await told
    }
    let placedAt = 0
    for (const command of commandsOf(order)) {
      await this.#carryOut(command, where, placedAt)
      if (command.kind === 'place') placedAt = performance.now()
    }
    this.#options.memory.add(order.orderId)
    this.#tally.orders++
  }

  async #playRest(): Promise<void> {
    for (const master of mastersWithoutOrder(this.#market)) await this.#tell(master, 'what no order refers to')
  }

  /** Undefined when it was told before. Orders that need it at the same time wait for the same telling. */
  #tell(master: Master, where: string): Promise<void> | undefined {
    if (this.#options.memory.has(master.id)) return undefined
    const known = this.#masters.get(master.id)
    if (known !== undefined) return known
    const telling = this.#carryOut(master.command(), where).then(() => {
      this.#options.memory.add(master.id)
      this.#masters.delete(master.id)
    })
    this.#masters.set(master.id, telling)
    return telling
  }

  /**
   * Sends a command until it is carried out.
   * @param placedAt when its order was placed, ms of `performance.now()`; 0 where that doesn't matter
   */
  async #carryOut(command: Command, where: string, placedAt = 0): Promise<void> {
    const { service } = command
    const patience = placedAt === 0 ? 0 : this.#patience.before(service, placedAt)
    if (patience > 0) await this.#patience.wait(service, placedAt, patience)
    for (let attempt = 1; ; attempt++) {
      const turn = attempt === 1 ? this.#turns.step() : this.#turns.repeat()
      if (turn !== undefined) await turn
      const answer = await this.#options.sender.send(command)
      this.#turns.end()
      if (answer.outcome === 'done') {
        this.#tally.commands++
        this.#failingSince = undefined
        if (this.#down.size > 0 && this.#down.delete(service)) this.#roomMayBe()
        this.#patience.learn(service, placedAt, attempt)
        return
      }
      const what = `${where}: ${command.method} ${service}${command.path}`
      if (answer.outcome === 'refused') {
        throw new PlayFailed(
          `${what} (${command.kind}) was refused: ${answer.reason}. The command was ${command.body}. ` +
            'Is the data played on a system that had parts of it from elsewhere? `make clean` empties it',
        )
      }
      if (answer.outcome === 'down') this.#down.add(service)
      this.#tally[answer.outcome === 'down' ? 'down' : 'notYet']++
      this.#tally.lastTrouble = `${service}: ${answer.reason}`
      this.#giveUpWhenStuck(what, answer.reason)
      const since = answer.outcome === 'down' ? 0 : placedAt
      await this.#patience.wait(service, since, this.#patience.backOff(service, attempt))
    }
  }

  #giveUpWhenStuck(what: string, reason: string): void {
    const now = performance.now()
    this.#failingSince ??= now
    const ms = now - this.#failingSince
    if (ms <= (this.#options.giveUpMs ?? GIVE_UP_MS)) return
    throw new PlayFailed(
      `${what} has failed for ${Math.round(ms / 1_000)} s and nothing else went through: ${reason}. ` +
        'See `tributary status` and `make logs`; the same command goes on where this one stopped',
    )
  }
}
