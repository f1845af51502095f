import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { deadLettersOf } from '#contracts/topic'
import type { FollowedLetters } from '#runtime/dead-letters/follow'
import type { OpenLetter } from '#runtime/dead-letters/letter'
import type { Log } from '#runtime/log'
import type { Audit } from './audit.ts'
import { type Front, followProcessor, followSink, followTopics, type Report, sameTopics } from './chain.ts'
import { type Exception, exceptionOf, lettersAppsOf, lettersOf } from './exceptions.ts'
import type { Chain, Stage } from './stages.ts'
import { type Brokers, sameMarks } from './topics.ts'

/** How a read model stands. */
export interface Standing {
  /** Everything committed before this is searchable, by this process's clock; ms since 1970, 0 when nothing is known. */
  readonly completeThrough: number
  /** The id of the index that this is true of; undefined when nothing is known. */
  readonly index: string | undefined
  /** But for these. */
  readonly except: readonly Exception[]
  readonly waitingFor?: string
}

/**
 * A moment, as the process that gave it out counts: what was committed before is waited for by its mark. No clock is in
 * it, so those of two computers may differ.
 */
export type Mark = string

/** Follows the chain from commit to search, again and again. */
export interface Follower {
  /** How all read models stand, each held against the index that readers see now. */
  standings(): Promise<ReadonlyMap<string, Standing>>
  /** As last known, for figures. */
  lastStandings(): ReadonlyMap<string, Standing>
  /** Why nothing is known, or undefined when the chain is being followed. */
  trouble(): string | undefined
  /** This moment. */
  mark(): Mark
  /** Whether this process gave out a mark; those of an earlier life mean nothing to it. */
  knows(mark: Mark): boolean
  /** Resolves with true once all read models hold what was committed before the mark, with false at the time-out. */
  waitFor(mark: Mark, timeoutMs: number): Promise<boolean>
  /** The same, and for what subscribing services commit in consequence. */
  waitForConsequences(mark: Mark, timeoutMs: number): Promise<boolean>
  stop(): Promise<void>
}

export interface FollowerOptions {
  readonly chain: Chain
  readonly audit: Pick<Audit, 'complete'>
  readonly brokers: Brokers
  readonly letters: Pick<FollowedLetters, 'known' | 'open' | 'positions' | 'trouble' | 'unread'>
  /** The id of a read model's newest index where readers see it. */
  currentIndex(readModel: string): Promise<string | undefined>
  readonly log: Log
}

/** The time from one look to the next, in ms: while changes flow, and while nothing happens. */
const BUSY_MS = 2_000
const IDLE_MS = 3_000
const TROUBLE_MS = 1_000
/** How often it is looked whether the indices are the same, where nobody asks, in ms. */
const INDICES_MS = 1_000
const LETTERS_MS = 50
const UNKNOWN_MS = 300
/** A payment or shipment changes its order, and from that follows no further event. */
const MOST_CONSEQUENCES = 3

interface Followed {
  readonly stage: Stage
  /** Numbers of fronts. */
  processed: number
  complete: number
  completeThrough: number
  /** The index that is complete. */
  index: string | undefined
  /** Letters that were open when the front began to be followed: one closed since may have its rows still on their way. */
  except: ReadonlyMap<string, OpenLetter>
  waitingFor: string | undefined
  /** Whether its processor had committed anything at the last look. */
  started: boolean
}

/** Starts following. It survives the absence of any server: what can't be asked is asked again. */
export function follow({ chain, audit, brokers, letters, currentIndex, log }: FollowerOptions): Follower {
  const stopped = new AbortController()
  const { signal } = stopped
  setMaxListeners(0, signal)
  const life = randomUUID()
  const models = chain.stages.map((stage): Followed => {
    const waitingFor = 'the first look at the databases'
    const nothing = { processed: 0, complete: 0, completeThrough: 0, index: undefined, except: new Map() }
    return { stage, ...nothing, waitingFor, started: false }
  })
  let trouble: string | undefined = 'the chain has not been followed to its end yet'
  let front: Front | undefined
  let frontWaitingFor: string | undefined
  /** How many fronts were begun. */
  let begun = 0
  /** The latest front somebody waits for. */
  let wanted = 0
  const listeners = new Set<() => void>()
  const changed = () => {
    for (const listener of listeners) listener()
  }
  const nextChange = (ms: number) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    listeners.add(resolve)
    const timer = setTimeout(resolve, ms)
    return promise.finally(() => {
      clearTimeout(timer)
      listeners.delete(resolve)
    })
  }

  /** Runs a loop's turns for ever; a turn that fails is repeated after a while. */
  async function keep(what: string, turn: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await turn()
      } catch (error) {
        if (signal.aborted) return
        trouble = `${what}: ${(error as Error).message || String(error)}`
        log.debug({ err: error }, trouble)
        await after(TROUBLE_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** Nothing that was said of a read model is true any more. */
  function withdraw(model: Followed): void {
    Object.assign(model, { index: undefined, complete: 0, completeThrough: 0 })
    changed()
  }

  async function moveFront(): Promise<void> {
    const began = performance.now()
    const number = ++begun
    const through = Date.now()
    const marks = await audit.complete(signal, (what) => {
      frontWaitingFor = what
    })
    const quiet = front !== undefined && sameMarks(front.marks, marks)
    front = { number, through, marks }
    trouble = undefined
    changed()
    const pauseUntil = began + (quiet ? IDLE_MS : BUSY_MS)
    while (wanted <= number && performance.now() < pauseUntil && !signal.aborted)
      await nextChange(pauseUntil - performance.now())
  }

  const internalTopicsOf = async (group: string) =>
    (await brokers.topicsWithPrefix(`${group}-`)).filter((topic) => topic.endsWith('-repartition'))

  async function followModel(model: Followed): Promise<void> {
    const { stage } = model
    const report = (what: string | undefined) => {
      model.waitingFor = what
    }
    while ((front?.number ?? 0) <= model.complete && !signal.aborted) await nextChange(IDLE_MS)
    if (!front || signal.aborted) return
    const current = front
    const rowsReady = async (topic: string) => {
      const writer = models.find((other) => other.stage.output === topic)
      while (writer && writer.processed < current.number && !signal.aborted) {
        report(`${writer.stage.group}, whose rows ${stage.group} reads`)
        await nextChange(IDLE_MS)
      }
    }
    await lettersRead(stage, report)
    const except = new Map(lettersOf(stage, chain.stages, letters.open()).map((letter) => [letter.id, letter]))
    const { started } = await brokers.known(stage.group, [])
    if (model.started && !started) withdraw(model)
    model.started = started
    const ids = await followTopics(stage, current, brokers, signal, report)
    await followProcessor(stage, current, brokers, () => internalTopicsOf(stage.group), rowsReady, signal, report)
    model.processed = current.number
    changed()
    const index = await followSink(stage.output, brokers, () => currentIndex(stage.readModel), signal, report)
    await lettersRead(stage, report)
    // What was waited for since was of other topics than there are now: it is waited for once more.
    if (!(await sameTopics(stage, current, brokers, ids))) return
    Object.assign(model, { index, except, complete: current.number, completeThrough: current.through })
    changed()
  }

  /** Whoever sets a record aside says so before, or together with, its being done: so what was said is read first. */
  async function lettersRead(stage: Stage, report: Report): Promise<void> {
    const apps = lettersAppsOf(stage, chain.stages)
    const unknown = () => apps.find((app) => !letters.known(app))
    const waitWhile = async (unread: () => boolean) => {
      while (unread()) {
        const app = unknown()
        const topic = app && letters.unread().get(app)
        const why = topic ? `topic "${topic}" doesn't exist` : letters.trouble()
        report(`the dead letters${app ? ` of ${app}` : ''}${why ? `: ${why}` : ''}`)
        await after(LETTERS_MS, undefined, { signal })
      }
    }
    await waitWhile(() => unknown() !== undefined)
    const ends = await brokers.highWatermarks(apps.map((app) => deadLettersOf(app).name))
    await waitWhile(
      () =>
        unknown() !== undefined ||
        [...ends].some(([topic, partitions]) => {
          const read = letters.positions(topic)
          return [...partitions].some(([partition, end]) => (read.get(partition) ?? -1n) < end)
        }),
    )
  }

  /**
   * What was said of an index isn't true of the one that takes its place, until that has caught up. Gives the read models
   * whose index nobody can tell at the moment.
   */
  async function checkIndices(): Promise<ReadonlySet<string>> {
    const unknown = new Set<string>()
    await Promise.all(
      models.map(async (model) => {
        const { index, stage } = model
        if (index === undefined) return
        const current = await currentIndex(stage.readModel).catch(() => 'unknown' as const)
        if (current === 'unknown') unknown.add(stage.readModel)
        else if (current !== index && model.index === index) {
          withdraw(model)
        }
      }),
    )
    return unknown
  }

  const standings = (unknown: ReadonlySet<string> = new Set()) =>
    new Map(
      models.map(({ stage, except, ...model }): [string, Standing] => {
        const asked = !unknown.has(stage.readModel)
        const completeThrough = asked ? model.completeThrough : 0
        const index = asked ? model.index : undefined
        const what = asked
          ? (frontWaitingFor ?? model.waitingFor)
          : 'Elasticsearch, which does not tell what readers see'
        const all = new Map([
          ...except,
          ...lettersOf(stage, chain.stages, letters.open()).map((letter) => [letter.id, letter] as const),
        ])
        const exceptions = [...all.values()].map(exceptionOf)
        return [stage.readModel, { completeThrough, index, except: exceptions, ...(what && { waitingFor: what }) }]
      }),
    )

  const numberOf = (mark: Mark) => Number(mark.slice(life.length + 1))

  async function waitFor(mark: Mark, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    const number = numberOf(mark)
    wanted = Math.max(wanted, number)
    changed()
    for (;;) {
      while (models.some(({ complete }) => complete < number)) {
        const leftMs = deadline - performance.now()
        if (leftMs <= 0 || signal.aborted) return false
        await nextChange(leftMs)
      }
      const unknown = await checkIndices()
      if (unknown.size > 0) await nextChange(UNKNOWN_MS)
      else if (models.every(({ complete }) => complete >= number)) return true
      if (performance.now() > deadline) return false
    }
  }

  const mark = () => `${life}.${begun + 1}`
  const domain = Array.from(chain.domainTopics.values(), ({ name }) => name)
  async function waitForConsequences(from: Mark, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    const left = () => deadline - performance.now()
    if (!(await waitFor(from, left()))) return false
    for (let round = 0; round < MOST_CONSEQUENCES; round++) {
      const marks = await brokers.highWatermarks(domain)
      for (const [group, topics] of chain.subscriptions) {
        const own = new Map([...marks].filter(([topic]) => topics.includes(topic)))
        while ((await brokers.behind(group, own)).length > 0) {
          if (left() <= 0 || signal.aborted) return false
          await after(Math.min(50, Math.max(1, left())))
        }
      }
      if (!(await waitFor(mark(), left()))) return false
      if (sameMarks(marks, await brokers.highWatermarks(domain))) return true
    }
    return true
  }

  const loops = [
    keep('the front', moveFront),
    keep('the indices', () => after(INDICES_MS, undefined, { signal }).then(() => void checkIndices())),
    ...models.map((m) => keep(m.stage.group, () => followModel(m))),
  ]
  return {
    standings: async () => standings(await checkIndices()),
    lastStandings: () => standings(),
    trouble: () => trouble,
    mark,
    knows: (given) => given.startsWith(`${life}.`) && numberOf(given) > 0,
    waitFor,
    waitForConsequences,
    async stop() {
      stopped.abort(new Error('stopped'))
      changed()
      await Promise.all(loops)
    },
  }
}
