import { setMaxListeners } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import type { Log } from '#runtime/log.ts'
import { domainTopics, type ReadModelName } from '#schemas/topics.ts'
import { advanceFront, type Front, followProcessor, followSink } from './chain.ts'
import type { Databases } from './databases.ts'
import { type Stage, stages, subscriptions } from './stages.ts'
import { type Brokers, sameMarks } from './topics.ts'

/** How a read model stands. */
export interface Standing {
  /** Everything committed before this is searchable; milliseconds since 1970, 0 when nothing is known yet. */
  readonly completeThrough: number
  readonly waitingFor?: string
}

/** Follows the chain from commit to search, again and again. */
export interface Follower {
  standings(): ReadonlyMap<ReadModelName, Standing>
  /** Why nothing is known, or undefined when the chain is being followed. */
  trouble(): string | undefined
  /** Resolves with true once all read models are complete through the given time, with false at the time-out. */
  waitFor(through: number, timeoutMs: number): Promise<boolean>
  /** The same, and for what subscribing services commit in consequence. */
  waitForConsequences(through: number, timeoutMs: number): Promise<boolean>
  /** Called whenever a read model has become complete through a later time. */
  onAdvance(listener: () => void): void
  stop(): Promise<void>
}

/** The time from one look to the next, in ms: while changes flow, and while nothing happens. */
const BUSY_MS = 2_000
const IDLE_MS = 3_000
const TROUBLE_MS = 1_000
/** How often it is looked whether the indices are the same. */
const INDICES_MS = 2_000
const INTERNAL_TOPICS_MS = 30_000
/** A payment or shipment changes its order, and from that follows no further event. */
const MOST_CONSEQUENCES = 3

interface Followed {
  readonly stage: Stage
  processedThrough: number
  completeThrough: number
  /** The index that is complete. */
  index: string | undefined
  waitingFor: string | undefined
}

/**
 * Starts following. It survives the absence of any server: what can't be asked is asked again.
 * @param currentIndex the id of a read model's newest index where readers see it
 */
export function follow(
  databases: Databases,
  brokers: Brokers,
  currentIndex: (readModel: ReadModelName) => Promise<string | undefined>,
  log: Log,
): Follower {
  const stopped = new AbortController()
  const { signal } = stopped
  setMaxListeners(0, signal)
  const models = stages.map((stage): Followed => {
    const waitingFor = 'the first look at the databases'
    return { stage, processedThrough: 0, completeThrough: 0, index: undefined, waitingFor }
  })
  let trouble: string | undefined = 'the chain has not been followed to its end yet'
  let front: Front | undefined
  let frontWaitingFor: string | undefined
  /** The latest time somebody waits for. */
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

  async function moveFront(): Promise<void> {
    const began = performance.now()
    const next = await advanceFront(databases, brokers, signal, (what) => {
      frontWaitingFor = what
    })
    const quiet = front !== undefined && sameMarks(front.marks, next.marks)
    front = next
    trouble = undefined
    changed()
    const pauseUntil = began + (quiet ? IDLE_MS : BUSY_MS)
    while (wanted <= next.through && performance.now() < pauseUntil && !signal.aborted)
      await nextChange(pauseUntil - performance.now())
  }

  let internal: { readonly at: number; readonly topics: readonly string[] } = {
    at: Number.NEGATIVE_INFINITY,
    topics: [],
  }
  async function internalTopicsOf(group: string): Promise<readonly string[]> {
    if (performance.now() - internal.at > INTERNAL_TOPICS_MS) {
      internal = { at: performance.now(), topics: await brokers.topicsWithPrefix('processor-') }
    }
    return internal.topics.filter((topic) => topic.startsWith(`${group}-`) && /-repartition$/.test(topic))
  }

  async function followModel(model: Followed): Promise<void> {
    const { stage } = model
    const report = (what: string | undefined) => {
      model.waitingFor = what
    }
    while ((front?.through ?? 0) <= model.completeThrough && !signal.aborted) await nextChange(IDLE_MS)
    if (!front || signal.aborted) return
    const current = front
    const rowsReady = async (topic: string) => {
      const writer = models.find((other) => other.stage.output === topic)
      while (writer && writer.processedThrough < current.through && !signal.aborted) {
        report(`${writer.stage.group}, whose rows ${stage.group} reads`)
        await nextChange(IDLE_MS)
      }
    }
    await followProcessor(stage, current, brokers, await internalTopicsOf(stage.group), rowsReady, signal, report)
    model.processedThrough = current.through
    changed()
    const index = () => currentIndex(stage.readModel)
    model.index = await followSink(stage.output, brokers, index, signal, report)
    model.completeThrough = current.through
    changed()
  }

  /** What was said of an index isn't true of the one that takes its place, until that has caught up. */
  async function watchIndices(): Promise<void> {
    await after(INDICES_MS, undefined, { signal })
    for (const model of models) {
      const { index } = model
      if (index === undefined) continue
      const current = await currentIndex(model.stage.readModel)
      if (current === index || model.index !== index) continue
      model.index = undefined
      model.completeThrough = 0
      changed()
    }
  }

  async function waitFor(through: number, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    // A time yet to come is no reason to hurry.
    wanted = Math.max(wanted, Math.min(through, Date.now()))
    changed()
    while (models.some((model) => model.completeThrough < through)) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0 || signal.aborted) return false
      await nextChange(leftMs)
    }
    return true
  }

  const domain = domainTopics.map(({ name }) => name)
  async function waitForConsequences(through: number, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    const left = () => deadline - performance.now()
    if (!(await waitFor(through, left()))) return false
    for (let round = 0; round < MOST_CONSEQUENCES; round++) {
      const marks = await brokers.highWatermarks(domain)
      for (const [group, topics] of subscriptions) {
        const own = new Map([...marks].filter(([topic]) => topics.includes(topic)))
        while ((await brokers.behind(group, own)).length > 0) {
          if (left() <= 0 || signal.aborted) return false
          await after(Math.min(50, Math.max(1, left())))
        }
      }
      if (!(await waitFor(Date.now(), left()))) return false
      if (sameMarks(marks, await brokers.highWatermarks(domain))) return true
    }
    return true
  }

  const loops = [
    keep('the front', moveFront),
    keep('the indices', watchIndices),
    ...models.map((m) => keep(m.stage.group, () => followModel(m))),
  ]
  return {
    standings: () =>
      new Map(
        models.map(({ stage, completeThrough, waitingFor }) => {
          const what = frontWaitingFor ?? waitingFor
          return [stage.readModel, { completeThrough, ...(what && { waitingFor: what }) }]
        }),
      ),
    trouble: () => trouble,
    waitFor,
    waitForConsequences,
    onAdvance: (listener) => listeners.add(listener),
    async stop() {
      stopped.abort(new Error('stopped'))
      changed()
      await Promise.all(loops)
    },
  }
}
