import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload } from 'kafkajs'
import type { Knex } from 'knex'
import type { Pool } from 'pg'
import { inboxApp } from '#contracts/apps'
import type { Codec } from '#contracts/codec'
import { onPool } from '#database/connect'
import { isKnex } from '#outbox/transaction'
import type { Concern } from '#runtime/health'
import { type KafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import type { Log } from '#runtime/log'
import { Counter, Gauge, type Registry } from '#runtime/metrics'
import { topicIdOf } from '#runtime/topic-id'
import { isOutage } from '#service/outage'
import { type ApplyContext, applyRecords, tryRecords } from './apply.ts'
import { deadLettersOn } from './dead-letters.ts'
import { parkedConcerns, reconcileLetters } from './letters.ts'
import { claimPositions, positionOf } from './position.ts'
import { type InboxRecord, type RawRecord, RegistryAway, readRecord } from './record.ts'
import type { Subscription } from './subscription.ts'
import { together } from './together.ts'

/** Events that share a transaction, at most. */
const CHUNK = 500
const OUTAGE_PAUSES_MS = [100, 250, 500, 1_000, 2_000]
const RETRY_PAUSES_MS = [100, 400, 1_600]
/**
 * How often positions are committed to Kafka, in ms. The ones that count are in the service's database; these tell
 * others how far the service is, and kafkajs's own way is a request for every batch.
 */
const COMMIT_MS = 200

/** How often it is looked what waits and whether topics are the same, in ms; and every how many looks at the letters. */
const LOOK_MS = 5_000
const LETTERS_EVERY = 12

/** A running subscription. */
export interface Inbox {
  /** Why it isn't at work, or undefined when it is. */
  fault(): string | undefined
  /** What waits, and topics that were made anew. */
  concerns(): readonly Concern[]
  /** Rejects when it can't go on: a fault of the program, not of its surroundings. */
  readonly failed: Promise<never>
  /** Ends after the transactions under way. */
  stop(): Promise<void>
}

export interface SubscribeOptions {
  readonly service: string
  /**
   * The service's database with its outbox; knex's is destroyed at the stop. A `pg` pool serves as well: handlers
   * stated with `pgSubscription` get its clients, and it stays open.
   */
  readonly db: Knex | Pool
  readonly codec: Codec
  readonly brokers: KafkaAt
  readonly subscriptions: readonly Subscription[]
  readonly log: Log
  readonly metrics: Registry
  readonly retryPauses?: readonly number[]
}

/**
 * Subscribes a service to domain topics. Each event is handled exactly once in effect; events of one key in order;
 * committed ones only. The position is read from the service's database at every assignment.
 */
export async function subscribe(options: SubscribeOptions): Promise<Inbox> {
  const { service, log, subscriptions } = options
  const db = isKnex(options.db) ? options.db : onPool(options.db)
  const kafka = new kafkajs.Kafka({
    clientId: inboxApp(service),
    ...kafkaOptions(options.brokers),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 8, maxRetryTime: 10_000 },
  })
  const producer = kafka.producer({ idempotent: false, allowAutoTopicCreation: false })
  const consumer = kafka.consumer({
    groupId: inboxApp(service),
    readUncommitted: false,
    allowAutoTopicCreation: false,
    sessionTimeout: 30_000,
    heartbeatInterval: 3_000,
    // What comes within a tenth of a second is fetched and worked off together.
    minBytes: 1_000_000,
    maxWaitTimeInMs: 100,
    retry: { restartOnFailure: async () => true },
  })
  const state = watch(consumer, log)
  const persist = persistence(state, log)
  const meters = openMeters(options.metrics)
  const works = new Map<string, Work>(
    subscriptions.map((subscription) => {
      const context: ApplyContext = {
        db,
        subscription,
        deadLetters: deadLettersOn(producer, service),
        retryPauses: options.retryPauses ?? RETRY_PAUSES_MS,
        counted: (outcome, count) => meters.events.inc({ topic: subscription.topic.name, outcome }, count),
      }
      // A transaction costs the same for one record as for fifty: what the partitions bring at one time shares one.
      const tryTogether = together<InboxRecord, boolean>(CHUNK, (records) => tryRecords(context, records))
      return [
        subscription.topic.name,
        {
          read: (raw) => readRecord({ ...raw, ...renewals.idOf(raw.topic) }, subscription, options.codec),
          // Where a handler fails or waits for a row that is locked, its partition is on its own, and so the others don't
          // wait for its retries.
          apply: async (records) => (await tryTogether(records)) || applyRecords(context, records),
        },
      ]
    }),
  )

  const renewals = watchRenewals({ ...options, db }, (topic) => {
    state.positioned.clear()
    for (let partition = 0; partition < partitionsOf(subscriptions, topic); partition++) {
      state.furthest.delete(`${topic}/${partition}`)
      consumer.seek({ topic, partition, offset: '0' })
    }
  })
  await producer.connect()
  await consumer.connect()
  await consumer.subscribe({ topics: subscriptions.map((each) => each.topic.name), fromBeginning: true })
  let latest: EachBatchPayload | undefined
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 8,
    eachBatch: async (payload) => {
      latest = payload
      const { topic, partition, highWatermark } = payload.batch
      const place = `${topic}/${partition}`
      // Of the messages: what kafkajs calls the first of a batch may be the end of a transaction, which nobody handles.
      const first = BigInt(payload.batch.messages[0]!.offset)
      // Going back without having been told to: the topic ends before, and may be another one.
      if (first < (state.furthest.get(place) ?? 0n)) state.positioned.delete(place)
      const atPosition = await persist(payload, async () => {
        if (!state.positioned.has(place)) await renewals.look(topic)
        return isAtPosition(consumer, db, state, payload)
      })
      if (!atPosition) {
        // As told: what is behind has to be read once more.
        state.furthest.delete(place)
        if (!state.sentBack.has(place)) state.sentBack.set(place, performance.now())
        return
      }
      state.sentBack.delete(place)
      await workOff(works.get(topic)!, persist, payload)
      state.furthest.set(place, BigInt(payload.batch.lastOffset()) + 1n)
      const behind = BigInt(highWatermark) - BigInt(payload.batch.lastOffset()) - 1n
      meters.lag.set({ topic, partition: String(partition) }, Number(behind))
    },
  })
  const stopped = new AbortController()
  const committing = keepCommitting(() => latest, log, stopped.signal)
  let parked: readonly Concern[] = []
  let looks = 0
  const looking = keepLooking(log, stopped.signal, async () => {
    parked = await parkedConcerns(db, service)
    for (const { topic } of subscriptions) await renewals.look(topic.name)
    if (looks++ % LETTERS_EVERY === 0) {
      await reconcileLetters(db, service, deadLettersOn(producer, service), options.brokers)
    }
  })

  return {
    fault: () => state.fault ?? heldUp(state),
    concerns: () => [...parked, ...renewals.concerns()],
    failed: state.failed.promise,
    async stop() {
      stopped.abort()
      await Promise.all([committing, looking])
      await consumer.disconnect()
      await producer.disconnect()
      await db.destroy()
    },
  }
}

/** Commits what was worked off from time to time, and once more at the end. */
async function keepCommitting(
  latest: () => EachBatchPayload | undefined,
  log: Log,
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    await sleep(COMMIT_MS, undefined, { signal: stopped }).catch(() => {})
    try {
      const payload = latest()
      const offsets = payload?.uncommittedOffsets()
      if (offsets?.topics.length) await payload?.commitOffsetsIfNecessary(offsets)
    } catch (error) {
      log.debug({ err: error }, 'positions could not be committed; the next time will do')
    }
  }
}

/** Looks after what changes slowly, now and then until it is stopped. */
async function keepLooking(log: Log, stopped: AbortSignal, look: () => Promise<void>): Promise<void> {
  while (!stopped.aborted) {
    await look().catch((error) =>
      log.debug({ err: error }, 'the inbox could not be looked after; the next time will do'),
    )
    await sleep(LOOK_MS, undefined, { signal: stopped }).catch(() => {})
  }
}

const partitionsOf = (subscriptions: readonly Subscription[], name: string) =>
  subscriptions.find(({ topic }) => topic.name === name)?.topic.partitions ?? 0

/** Notices topics that were deleted and made anew: their positions begin again. */
function watchRenewals(
  { db, brokers, service, log }: SubscribeOptions & { readonly db: Knex },
  renewed: (topic: string) => void,
) {
  const concerns = new Map<string, Concern>()
  const ids = new Map<string, string>()
  return {
    concerns: () => [...concerns.values()],
    /** The id of a topic as it was when it was looked at last. */
    idOf: (topic: string) => (ids.has(topic) ? { topicId: ids.get(topic)! } : {}),
    async look(topic: string): Promise<void> {
      const id = await topicIdOf(brokers, topic)
      if (id === undefined) return
      const anew = await claimPositions(db, topic, id)
      ids.set(topic, id)
      if (!anew) return
      const what =
        `topic "${topic}" was deleted and made anew (noticed ${new Date().toISOString()}): it is read from its first ` +
        'record; what was handled from the former one is not handled again'
      log.error({ topic, id }, what)
      const remedy = 'see that the new topic has the events that the former one still had unread'
      concerns.set(topic, { part: inboxApp(service), what, remedy })
      renewed(topic)
    },
  }
}

/** Since the last assignment. */
interface ConsumerState {
  fault: string | undefined
  readonly failed: PromiseWithResolvers<never>
  /** `topic/partition` of those whose position was compared with the database's. */
  readonly positioned: Set<string>
  /** By `topic/partition`, behind what was worked off last. */
  readonly furthest: Map<string, bigint>
  /** Since when something of a `topic/partition` is being worked on, as `performance.now()` has it. */
  readonly under: Map<string, number>
  /** Since when a `topic/partition` goes back to its position and nothing of it is worked on, likewise. */
  readonly sentBack: Map<string, number>
}

/** Work that takes longer than this, in ms, is told of: a lock or a handler holds it up, and nobody fails. */
const HELD_UP_MS = 4_000

function heldUp(state: ConsumerState): string | undefined {
  const now = performance.now()
  for (const [place, since] of state.under) {
    const seconds = Math.round((now - since) / 1_000)
    if (now - since > HELD_UP_MS) {
      return `inbox: what came on ${place} has been worked on for ${seconds} s: a lock in the database or a handler holds it up`
    }
  }
  for (const [place, since] of state.sentBack) {
    const seconds = Math.round((now - since) / 1_000)
    if (now - since > HELD_UP_MS) return `inbox: ${place} has not come to its position for ${seconds} s`
  }
  return undefined
}

function watch(consumer: Consumer, log: Log): ConsumerState {
  const state: ConsumerState = {
    fault: 'the inbox has not joined its group yet',
    failed: Promise.withResolvers<never>(),
    positioned: new Set(),
    furthest: new Map(),
    under: new Map(),
    sentBack: new Map(),
  }
  state.failed.promise.catch(() => undefined)
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    state.fault = undefined
    state.positioned.clear()
    state.sentBack.clear()
    log.info({ group: payload.groupId, assignment: payload.memberAssignment }, 'inbox joined its group')
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    state.fault = `inbox: ${payload.error.message}`
    if (payload.restart) log.warn({ err: payload.error }, 'inbox lost its group, joins again')
    else state.failed.reject(payload.error)
  })
  return state
}

/**
 * Whether the first batch after an assignment is where the database says that the partition stands, or behind it (what
 * was handled already is passed over). Where it is further on, goes back: the batch is to be left alone.
 */
async function isAtPosition(
  consumer: Consumer,
  db: Knex,
  state: ConsumerState,
  { batch }: EachBatchPayload,
): Promise<boolean> {
  const place = `${batch.topic}/${batch.partition}`
  if (state.positioned.has(place)) return true
  const position = await positionOf(db, batch.topic, batch.partition)
  state.positioned.add(place)
  if (position >= BigInt(batch.messages[0]!.offset)) return true
  consumer.seek({ topic: batch.topic, partition: batch.partition, offset: String(position) })
  return false
}

/** How one topic's records are worked off. */
interface Work {
  read(raw: RawRecord): Promise<InboxRecord>
  apply(records: readonly InboxRecord[]): Promise<unknown>
}

async function workOff({ read, apply }: Work, persist: Persist, payload: EachBatchPayload): Promise<void> {
  const { messages } = payload.batch
  for (let from = 0; from < messages.length; from += CHUNK) {
    const chunk = messages.slice(from, from + CHUNK)
    const done = await persist(payload, async () => {
      const records: InboxRecord[] = []
      for (const message of chunk) records.push(await read(rawOf(payload, message)))
      await apply(records)
      return true
    })
    if (!done) return
    payload.resolveOffset(chunk.at(-1)!.offset)
    await payload.heartbeat()
  }
}

/** Does the work, again and again while database, broker or registry are away; undefined when it is to stop. */
type Persist = <T>(payload: EachBatchPayload, work: () => Promise<T>) => Promise<T | undefined>

function persistence(state: ConsumerState, log: Log): Persist {
  const untilItWorks: Persist = async ({ batch, heartbeat, isRunning, isStale }, work) => {
    for (let failures = 0; isRunning() && !isStale(); failures++) {
      try {
        const result = await work()
        state.fault = undefined
        return result
      } catch (error) {
        if (!isOutage(error) && !(error instanceof RegistryAway)) throw error
        state.fault = `inbox: ${(error as Error).message}`
        log.warn({ err: error, topic: batch.topic, partition: batch.partition }, 'inbox waits for its surroundings')
      }
      await sleep(OUTAGE_PAUSES_MS[Math.min(failures, OUTAGE_PAUSES_MS.length - 1)])
      await heartbeat()
    }
    return undefined
  }
  return async (payload, work) => {
    const place = `${payload.batch.topic}/${payload.batch.partition}`
    // All attempts together: another partition's success clears the fault, and this one may still be held up.
    state.under.set(place, performance.now())
    try {
      return await untilItWorks(payload, work)
    } finally {
      state.under.delete(place)
    }
  }
}

function rawOf({ batch }: EachBatchPayload, message: EachBatchPayload['batch']['messages'][number]): RawRecord {
  return {
    topic: batch.topic,
    partition: batch.partition,
    offset: BigInt(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: message.headers ?? {},
  }
}

function openMeters(metrics: Registry) {
  return {
    events: new Counter({
      name: 'tributary_inbox_events_total',
      help: 'Records of subscribed topics, by what became of them',
      labelNames: ['topic', 'outcome'],
      registers: [metrics],
    }),
    lag: new Gauge({
      name: 'tributary_inbox_lag_records',
      help: 'Records behind the end of the partition, after the last batch',
      labelNames: ['topic', 'partition'],
      registers: [metrics],
    }),
  }
}
