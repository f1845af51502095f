import { setTimeout as after } from 'node:timers/promises'
import type { Client } from '@elastic/elasticsearch'
import {
  elasticsearchSettings,
  kafkaSettings,
  listenSettings,
  readConfig,
  registrySettings,
  setting,
} from '#runtime/config.ts'
import { serveHealth } from '#runtime/health.ts'
import kafkajs from '#runtime/kafkajs.ts'
import type { Log } from '#runtime/log.ts'
import type { Running } from '#runtime/main.ts'
import { openMetrics } from '#runtime/metrics.ts'
import { type Codec, openCodec } from '#schemas/codec.ts'
import { sinkApp } from '#schemas/topics.ts'
import { type ReadModel, readModels } from '#sinks/read-models/index.ts'
import { backOffMs } from './back-off.ts'
import { openElasticsearch } from './client.ts'
import { type SinkMetrics, sinkMetrics } from './metrics.ts'
import { openSession, type Session } from './session.ts'

const { Kafka, logLevel } = kafkajs

/** A session that lasted this long was a good one: the next failure starts waiting from the shortest time again. */
const GOOD_SESSION_MS = 60_000

export interface SinkOptions {
  readonly brokers: readonly string[]
  readonly client: Client
  readonly codec: Codec
  readonly metrics: SinkMetrics
  readonly log: Log
  readonly models?: readonly ReadModel[]
  readonly groupId?: string
}

/** A sink that keeps the read models' indices equal to their topics, whatever becomes of the servers. */
export interface Sink {
  /** Why it isn't at work, or undefined when it is. */
  waiting(): string | undefined
  stop(): Promise<void>
}

/** Runs sessions one after the other until it is stopped. */
export function runSink(options: SinkOptions): Sink {
  const { brokers, log, models = readModels, groupId = sinkApp } = options
  const kafka = new Kafka({
    clientId: 'tributary-sink',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 },
  })
  const stopped = new AbortController()
  let session: Session | undefined
  let waiting: string | undefined = 'starting'

  async function keepRunning(): Promise<void> {
    for (let attempt = 1; !stopped.signal.aborted; attempt++) {
      const began = performance.now()
      try {
        session = await openSession({ ...options, kafka, models, groupId })
        waiting = undefined
        await Promise.race([session.ended, whenAborted(stopped.signal)])
      } catch (error) {
        waiting = (error as Error).message
        log.warn({ err: error }, `the sink begins again: ${waiting}`)
      }
      await session?.close()
      session = undefined
      if (stopped.signal.aborted) return
      if (performance.now() - began > GOOD_SESSION_MS) attempt = 1
      await after(backOffMs(attempt), undefined, { signal: stopped.signal }).catch(() => {})
    }
  }

  const running = keepRunning()
  return {
    waiting: () => waiting ?? session?.waiting(),
    async stop() {
      stopped.abort()
      await running
    },
  }
}

/** The process `tributary sink`. */
export async function startSink(log: Log): Promise<Running> {
  const config = readConfig({
    ...kafkaSettings,
    ...registrySettings,
    ...elasticsearchSettings,
    ...listenSettings,
    SINK_PORT: setting.port.prefault(14_021),
  })
  const metrics = openMetrics()
  const sink = runSink({
    brokers: config.KAFKA_BROKERS,
    client: openElasticsearch(config.ELASTICSEARCH_URL),
    codec: await openCodec({ registryUrl: config.REGISTRY_URL }),
    metrics: sinkMetrics(metrics),
    log,
  })
  const health = await serveHealth({
    host: config.HOST,
    allowedHosts: config.ALLOWED_HOSTS,
    port: config.SINK_PORT,
    check: sink.waiting,
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
