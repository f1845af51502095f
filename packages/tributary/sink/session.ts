import { setMaxListeners } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import type { Client } from '@elastic/elasticsearch'
import type { Admin, Kafka } from 'kafkajs'
import type { Codec } from '#contracts/codec'
import type { ReadModel } from '#read-models/read-model'
import type { Concern } from '#runtime/health'
import type { KafkaAt } from '#runtime/kafka-at'
import type { Log } from '#runtime/log'
import { topicIdOf } from '#runtime/topic-id'
import { withdrawClaim } from './freshness-index.ts'
import type { Places } from './gate.ts'
import {
  createGeneration,
  type Generation,
  type Indices,
  lookAt,
  noteAlive,
  restoreWriteAlias,
  serve,
  stillFits,
} from './generations.ts'
import { openIntake } from './intake.ts'
import { openLane, type Server } from './lane.ts'
import type { Letters } from './letters.ts'
import type { SinkMetrics } from './metrics.ts'
import { type Committer, committedOn, extentOf, hasReached, strangeTo } from './positions.ts'
import { ailmentOf, ailmentsOf } from './remedies.ts'
import { IndexMissing } from './writer.ts'

/** How often it is checked that the topic wasn't created anew and that the index is there and is the same, in ms. */
const CHECK_MS = 3_000
/** How often an index notes that it has caught up, in ms. */
const ALIVE_MS = 600_000
const CATCH_UP_POLL_MS = 500
/** Of the time that a topic keeps tombstones, how much may pass until the sink has read them. */
const TOMBSTONES_SHARE = 0.9

/** What the sessions of all read models share. */
export interface SessionOptions {
  readonly kafka: Kafka
  readonly brokers: KafkaAt
  readonly client: Client
  readonly codec: Codec
  readonly groupId: string
  readonly committer: Committer
  readonly letters: Letters
  readonly places: Places
  readonly metrics: SinkMetrics
  readonly log: Log
}

/** One read model's part of the sink at work, with its index and topic as they were when it began. */
export interface Session {
  /** Rejects when it can't go on: the index or the topic was replaced, or tombstones may have been missed. */
  readonly ended: Promise<never>
  /** Why documents don't get on at the moment, or undefined. */
  waiting(): string | undefined
  /** What isn't as it should be with the index. */
  concerns(): readonly Concern[]
  /** Finishes what is on its way (5 s at most) and commits. */
  close(): Promise<void>
}

/** A rows topic isn't the one its index was built from. */
export class TopicReplaced extends Error {
  override readonly name = 'TopicReplaced'
}

/** The index isn't the one that was written to, or tombstones may have passed it by: it is built anew. */
export class IndexOutdated extends Error {
  override readonly name = 'IndexOutdated'
}

/** Finds or makes the read model's index and begins to read its topic. Throws when a server isn't there. */
export async function openSession(model: ReadModel, options: SessionOptions): Promise<Session> {
  const { kafka, client, committer, log } = options
  const stopped = new AbortController()
  const { signal } = stopped
  // Each request and each wait under way listens.
  setMaxListeners(0, signal)
  const { promise: ended, reject } = Promise.withResolvers<never>()
  ended.catch(() => {})
  const fail = (error: unknown) => {
    if (signal.aborted) return
    stopped.abort(error)
    reject(error)
  }
  const admin = kafka.admin()
  await admin.connect()
  const closing: (() => unknown)[] = [() => admin.disconnect()]
  const close = async () => {
    if (!signal.aborted) stopped.abort(new Error('the session was closed'))
    await Promise.allSettled(closing.map((one) => one()))
  }
  try {
    const troubles = new Map<Server, string>()
    const troubled = (server: Server, why: string | undefined) => {
      if (why === undefined) troubles.delete(server)
      else troubles.set(server, why)
    }
    let generation = await openIndex(model, options, admin)
    const lane = openLane(model, generation, { ...options, signal, troubled, onFailed: fail })
    closing.push(() => lane.close())
    const intake = await openIntake({ ...options, lane, admin, generation: () => generation, signal, fail })
    closing.push(() => intake.stop())
    let concerns: readonly Concern[] = []
    let served = false
    /** Why it can't be served, or it can't be noted that it has caught up. */
    let unnoted: string | undefined
    const follow = followTopic(model, options, admin, signal, () => generation, {
      failed(why) {
        unnoted = why
      },
      async caughtUp(noted) {
        if (!served) await serve(client, generation)
        if (!served) log.info({ index: generation.index }, 'the index has caught up and is served')
        served = true
        generation = await noteAlive(client, generation, noted)
        unnoted = undefined
        intake.commitAgain()
      },
    })
    follow.catch(fail)
    watch(model, options, signal, () => generation, {
      async looked(indices) {
        concerns = concernsOf(generation, indices)
        await keepAliases(client, generation, indices, served, log)
      },
    }).catch(fail)
    return {
      ended,
      waiting() {
        const elasticsearch = troubles.get('elasticsearch')
        if (elasticsearch)
          return `index "${generation.index}" takes no documents: ${inWords(generation, elasticsearch)}`
        const [other] = troubles
        if (other) return `${other[0]}: ${other[1]}`
        if (unnoted && !served) return `index "${generation.index}" can't be served: ${inWords(generation, unnoted)}`
        return intake.waiting() ?? committer.waiting()
      },
      concerns() {
        if (!unnoted || !served) return concerns
        const { what, remedy } = ailmentOf(generation.index, unnoted)
        const of = `index "${generation.index}" can't note that it has caught up, and is built anew one day: ${what}`
        return [...concerns, { part: `read model ${model.name}`, what: of, ...(remedy && { remedy }) }]
      },
      async close() {
        if (!signal.aborted) await intake.drain()
        await close()
      },
    }
  } catch (error) {
    log.debug({ err: error, readModel: model.name }, 'a session could not begin')
    await close()
    throw error
  }
}

function inWords({ index }: Generation, reason: string): string {
  const { what, remedy } = ailmentOf(index, reason)
  return remedy ? `${what}; ${remedy}` : what
}

function concernsOf({ index, readModel }: Generation, { settings }: Indices): Concern[] {
  return ailmentsOf(index, settings.get(index) ?? {}).map(({ what, remedy }) => ({
    part: `read model ${readModel}`,
    what: `index "${index}": ${what}`,
    ...(remedy && { remedy }),
  }))
}

/** The newest generation where it still fits, and else a new one that reads the topic from its start. */
async function openIndex(
  model: ReadModel,
  { brokers, client, groupId, committer, letters, log }: SessionOptions,
  admin: Admin,
): Promise<Generation> {
  const topic = model.topic.name
  const topicId = await topicIdOf(brokers, topic)
  if (topicId === undefined) throw new Error(`topic "${topic}" doesn't exist: run \`npx --no tributary topics apply\``)
  const { own, next, aliases } = await lookAt(client, model.name)
  const [newest] = own
  const committed = await committedOn(admin, groupId, topic)
  const extent = await extentOf(admin, topic)
  const fit = stillFits(newest, model, topicId, Date.now(), absenceMs(model))
  const why = fit.fits ? strangeTo(newest!, committed, extent) : fit.why
  if (newest && why === undefined) {
    const leadsTo = aliases.get(newest.writeAlias) ?? []
    if (!isOnly(leadsTo, newest.index)) await restoreWriteAlias(client, newest, leadsTo)
    return newest
  }
  log.info({ readModel: model.name, generation: next }, `a new index is built: ${why}`)
  // Positions first: were the sink killed in between, the index would be missing and this begin again.
  const starts = new Map(Array.from(committed.keys(), (partition) => [partition, extent.get(partition)?.low ?? 0n]))
  if (committed.size > 0) await committer.commit(topic, starts, '')
  if (newest?.topicId !== topicId) await letters.topicReplaced(topic, topicId)
  // What was said of the index before isn't true of this one.
  await withdrawClaim(client, model.name)
  return createGeneration(client, model, topicId, next)
}

/** After how long without having caught up the topic can't be trusted to hold every tombstone, in ms. */
function absenceMs({ topic }: ReadModel): number {
  return Number(topic.config['delete.retention.ms'] ?? Number.POSITIVE_INFINITY) * TOMBSTONES_SHARE
}

/** Says each time the index has caught up with its topic, and since when it had. */
async function followTopic(
  model: ReadModel,
  { groupId, log }: SessionOptions,
  admin: Admin,
  signal: AbortSignal,
  generation: () => Generation,
  { caughtUp, failed }: { caughtUp(noted: number): Promise<void>; failed(why: string): void },
): Promise<void> {
  const absence = absenceMs(model)
  for (;;) {
    const noted = Date.now()
    const since = generation().aliveAt
    const mustHaveRead = () => {
      if (Date.now() - Date.parse(since) > absence)
        throw new IndexOutdated(`the sink had last caught up at ${since}: tombstones may have been missed`)
    }
    try {
      const extent = await extentOf(admin, model.topic.name)
      while (!(await hasReached(admin, groupId, model.topic.name, extent))) {
        mustHaveRead()
        await after(CATCH_UP_POLL_MS, undefined, { signal })
      }
      mustHaveRead()
      await caughtUp(noted)
      await after(Math.min(ALIVE_MS, absence / 4), undefined, { signal })
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof IndexOutdated) throw error
      failed((error as Error).message)
      log.debug({ err: (error as Error).message }, 'catching up could not be checked')
      await after(CATCH_UP_POLL_MS, undefined, { signal })
    }
  }
}

/**
 * Ends the session when the topic was deleted and created anew (its offsets begin again, and so must its index), and
 * when the index is gone or is another one.
 */
async function watch(
  model: ReadModel,
  { brokers, client, log }: SessionOptions,
  signal: AbortSignal,
  generation: () => Generation,
  { looked }: { looked(indices: Indices): Promise<void> },
): Promise<void> {
  for (;;) {
    await after(CHECK_MS, undefined, { signal })
    const { index, id, topicId } = generation()
    // Whether a server that doesn't answer has it, isn't known.
    const topicNow = await topicIdOf(brokers, model.topic.name).catch(() => topicId)
    if (topicNow === undefined) throw new TopicReplaced(`topic "${model.topic.name}" is gone`)
    if (topicNow !== topicId) throw new TopicReplaced(`topic "${model.topic.name}" is another one now`)
    const indices = await lookAt(client, model.name).catch(() => undefined)
    if (!indices) continue
    const [newest] = indices.own
    if (!indices.own.some((one) => one.index === index)) throw new IndexMissing(`index "${index}" is gone`)
    if (newest?.index !== index) throw new IndexOutdated(`index "${newest?.index}" is newer than "${index}"`)
    if (newest.id !== id) throw new IndexOutdated(`index "${index}" is another one than was written to`)
    await looked(indices).catch((error) =>
      log.warn({ err: (error as Error).message, index }, 'aliases stay as they are'),
    )
  }
}

/** Aliases that lead elsewhere, or elsewhere too, lead to the index again. */
async function keepAliases(client: Client, generation: Generation, indices: Indices, served: boolean, log: Log) {
  const { index, readModel, writeAlias } = generation
  const writes = indices.aliases.get(writeAlias) ?? []
  if (!isOnly(writes, index)) {
    log.warn({ alias: writeAlias, leadsTo: writes }, `the alias is given back to index "${index}"`)
    await restoreWriteAlias(client, generation, writes)
  }
  const reads = indices.aliases.get(readModel) ?? []
  if (served && !isOnly(reads, index)) {
    log.warn({ alias: readModel, leadsTo: reads }, `the alias is given back to index "${index}"`)
    await serve(client, generation)
  }
}

function isOnly(found: readonly string[], index: string): boolean {
  return found.length === 1 && found[0] === index
}
