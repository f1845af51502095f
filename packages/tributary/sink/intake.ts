import { setTimeout as after } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import type { KafkaAt } from '#runtime/kafka-at'
import type { Log } from '#runtime/log'
import { readTopics } from '#runtime/topic-reader'
import type { Generation } from './generations.ts'
import type { Lane } from './lane.ts'
import { type Committer, committedOn, noteOf } from './positions.ts'
import { Progress } from './progress.ts'

/** How many records of a lane may be on their way before it stops reading, and how many bytes. */
const MOST_PENDING = 10_000
const MOST_PENDING_BYTES = 24 * 1024 * 1024
const COMMIT_AGAIN_MS = 500
const DRAIN_MS = 5_000
const FETCH_MS = 500

export interface IntakeOptions {
  readonly brokers: KafkaAt
  readonly admin: Admin
  readonly groupId: string
  readonly committer: Committer
  readonly lane: Lane
  /** The lane's index with its newest note. */
  generation(): Generation
  readonly log: Log
  readonly signal: AbortSignal
  fail(error: unknown): void
}

/** What brings a lane its records. */
export interface Intake {
  /** Why nothing is read, or undefined. */
  waiting(): string | undefined
  /** Commits all positions, those too that didn't move: each says of which index it is, and none is forgotten. */
  commitAgain(): void
  /** Reads no more, finishes what is on its way (5 s at most) and commits. */
  drain(): Promise<void>
  stop(): Promise<void>
}

/** Reads a lane's topic from its committed positions, and commits behind what is searchable. */
export async function openIntake(options: IntakeOptions): Promise<Intake> {
  const { brokers, admin, groupId, committer, lane, log, signal, fail } = options
  const topic = lane.model.topic.name
  const progress = new Progress()
  const committed = await committedOn(admin, groupId, topic)
  const positions = new Map(Array.from(committed, ([partition, { offset }]) => [partition, offset]))
  let moved = Promise.withResolvers<void>()
  let draining = false

  const reader = readTopics({
    brokers,
    clientId: `tributary-sink-${lane.model.name}`,
    topics: [topic],
    startAt: (_, partition) => positions.get(partition),
    maxWaitMs: FETCH_MS,
    async take({ partition, messages, nextOffset }) {
      while (lane.pending() >= MOST_PENDING || lane.pendingBytes() >= MOST_PENDING_BYTES || draining) {
        if (signal.aborted) return
        await after(20)
      }
      const ticket = progress.begin(String(partition), nextOffset)
      lane.take(partition, messages).then(() => {
        ticket.done()
        moved.resolve()
      }, fail)
    },
    begunAgain(_, partition) {
      if ((positions.get(partition) ?? 0n) === 0n) return
      fail(new Error(`topic "${topic}" doesn't hold what partition ${partition} was read up to`))
    },
  })

  async function commit(): Promise<void> {
    const changed = progress.takeChanged()
    for (const [partition, offset] of changed) positions.set(Number(partition), offset)
    if (changed.size === 0) return
    try {
      const some = new Map(Array.from(changed, ([partition, offset]) => [Number(partition), offset]))
      await committer.commit(topic, some, noteOf(options.generation()))
    } catch (error) {
      // Not lost: the records are read again and found superseded.
      progress.putBack(changed.keys())
      log.warn({ err: (error as Error).message }, 'positions could not be committed')
      moved.resolve()
      await after(COMMIT_AGAIN_MS, undefined, { signal })
    }
  }

  async function keepCommitting(): Promise<void> {
    while (!signal.aborted) {
      await moved.promise
      moved = Promise.withResolvers()
      await commit()
    }
  }
  const committing = keepCommitting().catch((error) => fail(error))
  signal.addEventListener('abort', () => moved.resolve(), { once: true })

  return {
    waiting: () => {
      const trouble = reader.trouble()
      return trouble && `topic "${topic}": ${trouble}`
    },
    commitAgain() {
      // What moved since goes into the next commit, behind this one.
      committer.commit(topic, positions, noteOf(options.generation())).catch((error) => {
        log.debug({ err: (error as Error).message }, 'positions could not be committed again')
      })
    },
    async drain() {
      draining = true
      const deadline = performance.now() + DRAIN_MS
      while (!progress.idle && performance.now() < deadline) await after(10)
      await commit().catch(() => {})
    },
    async stop() {
      await Promise.all([reader.stop(), committing])
    },
  }
}
