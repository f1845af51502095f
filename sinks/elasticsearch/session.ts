import { setMaxListeners } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import type { Client } from '@elastic/elasticsearch'
import type { Admin, Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import type { Log } from '#runtime/log.ts'
import type { Codec } from '#schemas/codec.ts'
import type { ReadModel } from '#sinks/read-models/index.ts'
import { openDeadLetters } from './dead-letters.ts'
import { Gate } from './gate.ts'
import { createGeneration, generationsOf, noteAlive, serve, servedIndex, stillFits } from './generations.ts'
import { type Lane, openLane, type Server } from './lane.ts'
import type { SinkMetrics } from './metrics.ts'
import { extentOf, hasReached, rewind } from './positions.ts'
import { Progress } from './progress.ts'
import { topicIdOf } from './topic-id.ts'
import { IndexMissing } from './writer.ts'

/** How many records may be on their way before the sink stops reading. */
const MOST_PENDING = 10_000
/** Positions are committed no more often than this, in ms. */
const COMMIT_MS = 250
/** How often it is checked that topics weren't created anew and that the indices are there, in ms. */
const CHECK_MS = 5_000
/** How often an index notes that it has caught up, in ms. */
const ALIVE_MS = 600_000
const CATCH_UP_POLL_MS = 500
const DRAIN_MS = 5_000

export interface SessionOptions {
  readonly kafka: Kafka
  readonly brokers: readonly string[]
  readonly client: Client
  readonly codec: Codec
  readonly models: readonly ReadModel[]
  readonly groupId: string
  readonly metrics: SinkMetrics
  readonly log: Log
}

/** The sink at work, with the indices and topics as they were when it began. */
export interface Session {
  /** Rejects when it can't go on: an index or topic was replaced, or the group's membership is lost for good. */
  readonly ended: Promise<never>
  /** Why nothing is read at the moment, or undefined. */
  waiting(): string | undefined
  /** Finishes what is on its way (5 s at most), commits and leaves the group. */
  close(): Promise<void>
}

/** A rows topic isn't the one its index was built from. */
export class TopicReplaced extends Error {
  override readonly name = 'TopicReplaced'
}

/** Finds or makes each read model's index, joins the group and begins to read. Throws when a server isn't there. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { kafka, groupId, models, log } = options
  const stopped = new AbortController()
  // Each request and each wait under way listens.
  setMaxListeners(0, stopped.signal)
  const { promise: ended, reject } = Promise.withResolvers<never>()
  ended.catch(() => {})
  const fail = (error: unknown) => {
    if (stopped.signal.aborted) return
    stopped.abort(error)
    reject(error)
  }

  const admin = kafka.admin()
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: 10_000,
    heartbeatInterval: 2_000,
    rebalanceTimeout: 15_000,
    maxWaitTimeInMs: 500,
    minBytes: 1,
    maxBytesPerPartition: 2 * 1024 * 1024,
    maxBytes: 16 * 1024 * 1024,
    allowAutoTopicCreation: false,
  })
  await admin.connect()
  const deadLetters = await openDeadLetters(kafka)
  const lanes: Lane[] = []
  const close = async () => {
    if (!stopped.signal.aborted) stopped.abort(new Error('the session was closed'))
    for (const lane of lanes) lane.close()
    await Promise.allSettled([consumer.disconnect(), deadLetters.close(), admin.disconnect()])
  }
  try {
    const troubles = new Map<Server, string>()
    const troubled = (server: Server, why: string | undefined) => {
      if (why === undefined) troubles.delete(server)
      else troubles.set(server, `${server}: ${why}`)
    }
    const shared = { ...options, deadLetters, gate: new Gate(), signal: stopped.signal, troubled, onFailed: fail }
    for (const model of models) lanes.push(await openIndex(model, options, admin, stopped.signal, shared))
    const intake = await beginReading(consumer, lanes, options, stopped.signal, fail)
    for (const lane of lanes) followTopic(lane, options, admin, stopped.signal).catch(fail)
    watchEnds(lanes, options, stopped.signal).catch(fail)
    return {
      ended,
      waiting: () => intake.waiting() ?? troubles.values().next().value,
      async close() {
        if (!stopped.signal.aborted) await intake.drain()
        await close()
      },
    }
  } catch (error) {
    log.debug({ err: error }, 'a session could not begin')
    await close()
    throw error
  }
}

/** The lane into the newest generation where it still fits, and else into a new one that reads the topic from its start. */
async function openIndex(
  model: ReadModel,
  { brokers, client, groupId, log }: SessionOptions,
  admin: Admin,
  signal: AbortSignal,
  shared: Parameters<typeof openLane>[2],
): Promise<Lane> {
  const topic = model.topic.name
  const topicId = await topicIdOf(brokers, topic)
  if (topicId === undefined) throw new Error(`topic "${topic}" doesn't exist: run \`npx tributary topics apply\``)
  const [newest] = await generationsOf(client, model.name)
  const tombstonesLastMs = Number(model.topic.config['delete.retention.ms'] ?? Number.POSITIVE_INFINITY)
  const fit = stillFits(newest, model, topicId, Date.now(), tombstonesLastMs * 0.9)
  if (newest && fit.fits) return openLane(model, newest, shared)

  const next = (newest?.generation ?? 0) + 1
  log.info({ readModel: model.name, generation: next }, `a new index is built: ${fit.fits ? '' : fit.why}`)
  // Positions first: were the sink killed in between, the index would be missing and this begin again.
  await rewind(admin, groupId, topic, signal)
  const generation = await createGeneration(client, model, topicId, next)
  if ((await servedIndex(client, model.name)) === undefined) await serve(client, generation)
  return openLane(model, generation, shared)
}

interface Intake {
  waiting(): string | undefined
  drain(): Promise<void>
}

/** Joins the group, hands each batch to its lane, and commits positions behind what is searchable. */
async function beginReading(
  consumer: Consumer,
  lanes: readonly Lane[],
  { metrics, log }: SessionOptions,
  signal: AbortSignal,
  fail: (error: unknown) => void,
): Promise<Intake> {
  const byTopic = new Map(lanes.map((lane) => [lane.model.topic.name, lane]))
  const topics = [...byTopic.keys()]
  const progress = new Progress()
  let waiting: string | undefined = 'joining the consumer group'
  let moved = Promise.withResolvers<void>()

  const begin = (topic: string, partition: number, lastOffset: string) => {
    const ticket = progress.begin(`${topic}/${partition}`, BigInt(lastOffset) + 1n)
    return () => {
      ticket.done()
      moved.resolve()
    }
  }

  consumer.on(consumer.events.GROUP_JOIN, () => {
    waiting = undefined
    progress.reset()
  })
  consumer.on(consumer.events.REBALANCING, () => {
    waiting = 'the consumer group is rebalancing'
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    waiting = `the consumer failed: ${payload.error.message}`
    log.warn({ err: payload.error, restart: payload.restart }, 'the consumer failed')
    if (!payload.restart) fail(payload.error)
  })
  // A batch with nothing but transaction markers never reaches eachBatch; positions must step over it all the same.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    if (payload.batchSize === 0) begin(payload.topic, payload.partition, payload.lastOffset)()
  })

  async function eachBatch({ batch, heartbeat }: EachBatchPayload): Promise<void> {
    while (metrics.pending() >= MOST_PENDING) {
      await after(20, undefined, { signal })
      await heartbeat()
    }
    const done = begin(batch.topic, batch.partition, batch.lastOffset())
    byTopic.get(batch.topic)!.take(batch.partition, batch.messages).then(done, fail)
  }

  async function commit(): Promise<void> {
    const positions = progress.takeChanged()
    if (positions.size === 0) return
    try {
      await consumer.commitOffsets(
        Array.from(positions, ([key, offset]) => {
          const slash = key.lastIndexOf('/')
          return { topic: key.slice(0, slash), partition: Number(key.slice(slash + 1)), offset: String(offset) }
        }),
      )
    } catch (error) {
      // Not lost: the records are read again and found superseded.
      progress.putBack(positions.keys())
      log.warn({ err: (error as Error).message }, 'positions could not be committed')
      moved.resolve()
      await after(500, undefined, { signal })
    }
  }

  async function keepCommitting(): Promise<void> {
    while (!signal.aborted) {
      await moved.promise
      moved = Promise.withResolvers()
      await commit()
      await after(COMMIT_MS, undefined, { signal })
    }
  }

  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  await consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 8, eachBatch })
  keepCommitting().catch(fail)
  return {
    waiting: () => waiting,
    async drain() {
      consumer.pause(topics.map((topic) => ({ topic })))
      const deadline = performance.now() + DRAIN_MS
      while (!progress.idle && performance.now() < deadline) await after(10)
      await commit().catch(() => {})
    },
  }
}

/** Serves an index once it has caught up with its topic, and notes from time to time when it last had. */
async function followTopic(lane: Lane, options: SessionOptions, admin: Admin, signal: AbortSignal): Promise<void> {
  const { client, groupId, log } = options
  const { generation, model } = lane
  for (;;) {
    try {
      const at = Date.now()
      const extent = await extentOf(admin, model.topic.name)
      while (!(await hasReached(admin, groupId, model.topic.name, extent))) {
        await after(CATCH_UP_POLL_MS, undefined, { signal })
      }
      if ((await servedIndex(client, model.name)) !== generation.index) {
        await serve(client, generation)
        log.info({ index: generation.index }, 'the index has caught up and is served')
      }
      await noteAlive(client, generation, at)
      await after(ALIVE_MS, undefined, { signal })
    } catch (error) {
      signal.throwIfAborted()
      log.debug({ err: (error as Error).message }, 'catching up could not be checked')
      await after(CATCH_UP_POLL_MS, undefined, { signal })
    }
  }
}

/**
 * Ends the session when a topic was deleted and created anew (its offsets begin again, and so must its index), and when
 * an index is gone.
 */
async function watchEnds(lanes: readonly Lane[], options: SessionOptions, signal: AbortSignal): Promise<void> {
  for (;;) {
    await after(CHECK_MS, undefined, { signal })
    for (const { model, generation } of lanes) {
      const id = await topicIdOf(options.brokers, model.topic.name).catch(() => generation.topicId)
      if (id !== generation.topicId) throw new TopicReplaced(`topic "${model.topic.name}" is another one now`)
      // Without writes nobody else would notice. Whether a server that doesn't answer has it, isn't known.
      const there = await options.client.indices.existsAlias({ name: generation.writeAlias }).catch(() => true)
      if (!there) throw new IndexMissing(`index "${generation.index}" is gone`)
    }
  }
}
