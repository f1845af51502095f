import { setMaxListeners } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import type { Client } from '@elastic/elasticsearch'
import { sinkApp } from '#contracts/apps'
import type { Codec } from '#contracts/codec'
import type { ReadModel } from '#read-models/read-model'
import { elasticsearchSettings, kafkaSettings, listenSettings, readConfig, setting } from '#runtime/config'
import type { OpenLetter } from '#runtime/dead-letters/letter'
import { type Concern, serveHealth } from '#runtime/health'
import { type KafkaAt, kafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import type { Log } from '#runtime/log'
import type { Running } from '#runtime/main'
import { openMetrics } from '#runtime/metrics'
import { backOffMs } from './back-off.ts'
import { elasticsearchAt, openElasticsearch } from './client.ts'
import { Places } from './gate.ts'
import { openLetters } from './letters.ts'
import { type SinkMetrics, sinkMetrics } from './metrics.ts'
import { openCommitter } from './positions.ts'
import { openSession, type Session } from './session.ts'

const { Kafka, logLevel } = kafkajs

/** A session that lasted this long was a good one: the next failure starts waiting from the shortest time again. */
const GOOD_SESSION_MS = 60_000
/** How long the start waits to know the open dead letters, in ms. */
const LETTERS_MS = 5_000

export interface SinkOptions {
  readonly brokers: KafkaAt
  readonly client: Client
  readonly codec: Codec
  readonly metrics: SinkMetrics
  readonly log: Log
  readonly models: readonly ReadModel[]
  readonly groupId?: string
}

/** A sink that keeps the read models' indices equal to their topics, whatever becomes of the servers. */
export interface Sink {
  /** Why it isn't at work, or which read models' documents don't get on; undefined when all do. */
  waiting(): string | undefined
  /** What isn't as it should be, by read model, and its open dead letters. */
  concerns(): readonly Concern[]
  stop(): Promise<void>
}

/** Keeps a session for each read model, each on its own: what one of them waits for holds up no other. */
export function runSink(options: SinkOptions): Sink {
  const { brokers, log, models, groupId = sinkApp } = options
  const kafka = new Kafka({
    clientId: 'tributary-sink',
    ...kafkaOptions(brokers),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 },
  })
  const stopped = new AbortController()
  const { signal } = stopped
  setMaxListeners(0, signal)
  const committer = openCommitter(kafka, groupId, log)
  const letters = openLetters(kafka, brokers)
  const shared = { ...options, kafka, groupId, committer, letters, places: new Places() }
  const standings = models.map((model): Standing => ({ model, waiting: 'starting' }))

  /** Runs a read model's sessions one after the other until the sink is stopped. */
  async function keepRunning(standing: Standing): Promise<void> {
    const { model } = standing
    // Otherwise letters that are closed in the first moments would stay open.
    await letters.known(LETTERS_MS)
    for (let attempt = 1; !signal.aborted; attempt++) {
      const began = performance.now()
      let session: Session | undefined
      try {
        session = await openSession(model, shared)
        standing.session = session
        standing.waiting = undefined
        await Promise.race([session.ended, whenAborted(signal)])
      } catch (error) {
        standing.waiting = (error as Error).message
        log.warn({ err: error, readModel: model.name }, `read model "${model.name}" begins again: ${standing.waiting}`)
      }
      standing.session = undefined
      await session?.close()
      if (signal.aborted) return
      if (performance.now() - began > GOOD_SESSION_MS) attempt = 1
      await after(backOffMs(attempt), undefined, { signal }).catch(() => {})
    }
  }

  const running = Promise.all(standings.map(keepRunning))
  return {
    waiting: () => whatWaits(standings),
    concerns: () => [...standings.flatMap(concernsOf), ...letterConcerns(letters.open())],
    async stop() {
      stopped.abort()
      await running
      await Promise.allSettled([committer.close(), letters.close()])
    },
  }
}

/** How a read model's part of the sink stands. */
interface Standing {
  readonly model: ReadModel
  waiting: string | undefined
  session?: Session | undefined
}

const reasonOf = ({ waiting, session }: Standing) => waiting ?? session?.waiting()

function whatWaits(standings: readonly Standing[]): string | undefined {
  const reasons = standings.flatMap((standing) => {
    const reason = reasonOf(standing)
    return reason === undefined ? [] : [[standing.model.name, reason] as const]
  })
  const [first] = reasons
  if (!first) return undefined
  // What all wait for is a server's doing and no read model's.
  if (reasons.length === standings.length && reasons.every(([, reason]) => reason === first[1])) return first[1]
  return reasons.map(([name, reason]) => `read model ${name} stands still: ${reason}`).join('; ')
}

function concernsOf(standing: Standing): readonly Concern[] {
  return standing.session?.concerns() ?? []
}

function letterConcerns(open: readonly OpenLetter[]): Concern[] {
  const byTopic = Map.groupBy(open, ({ topic }) => topic)
  return Array.from(byTopic, ([topic, letters]) => {
    const { reason, message, key } = letters[0]!
    const keyText = key === null ? 'without a key' : `of key "${String(key).slice(0, 80)}"`
    return {
      part: `topic ${topic}`,
      what: `${letters.length} of its records could not become documents; the first, ${keyText}: ${reason}, ${message}`,
      remedy: 'npx --no tributary dead-letters list sink',
    }
  })
}

/** The process `tributary sink`. */
export async function startSink(models: readonly ReadModel[], codec: Codec, log: Log): Promise<Running> {
  const config = readConfig({
    ...kafkaSettings,
    ...elasticsearchSettings,
    ...listenSettings,
    SINK_PORT: setting.port.prefault(14_021),
  })
  const metrics = openMetrics()
  const sink = runSink({
    brokers: kafkaAt(config),
    client: openElasticsearch(elasticsearchAt(config)),
    codec,
    models,
    metrics: sinkMetrics(metrics),
    log,
  })
  const health = await serveHealth({
    host: config.HOST,
    allowedHosts: config.ALLOWED_HOSTS,
    port: config.SINK_PORT,
    check: sink.waiting,
    concerns: sink.concerns,
    metrics,
  })
  return {
    async stop() {
      await sink.stop()
      await health.close()
    },
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
