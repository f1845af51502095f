import type { Codec } from '#contracts/codec'
import type { KafkaAt } from '#runtime/kafka-at'
import type { Log } from '#runtime/log'
import type { Cluster } from '../kafka/cluster.ts'
import type { Plan } from '../plan/plan.ts'
import { deadLettersOf } from './dead-letters.ts'
import { changelogOf, exchangeOf } from './internal-topics.ts'
import type { EngineMetrics } from './metrics.ts'

export interface WorkerOptions {
  readonly plan: Plan
  /** Consumer group, and prefix of the internal topics' names. */
  readonly app: string
  /** Which of the app's workers this is; two of the same slot fence each other. */
  readonly slot: number
  readonly brokers: KafkaAt
  readonly codec: Codec
  readonly log: Log
  readonly metrics: EngineMetrics
  /** The least time from the beginning of one epoch to that of the next, in ms: 0 for none. */
  readonly paceMs: number
  /** What people forget the app's state with, so that it reads everything again: it is named where nothing else helps. */
  readonly resetCommand: string
}

/** The names of the topics that a worker has to do with. */
export interface WorkerTopics {
  readonly exchange: string
  readonly changelog: string
  readonly deadLetters: string
  /** The exchange topic's messages are taken in as well. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Those whose ids the stamps hold. */
  readonly stamped: readonly string[]
}

export function topicsOf({ sources, sinks }: Plan, app: string): WorkerTopics {
  const exchange = exchangeOf(app)
  const changelog = changelogOf(app)
  const outputs = sinks.map(({ topic }) => topic.name)
  const rowsRead = sources.flatMap(({ kind, topic }) => (kind === 'rows' ? [topic.name] : []))
  return {
    exchange,
    changelog,
    deadLetters: deadLettersOf(app),
    inputs: [...sources.map(({ topic }) => topic.name), exchange],
    outputs,
    stamped: [changelog, ...rowsRead, ...outputs],
  }
}

/** A worker's connections: fetches wait for new records on theirs. */
export interface Clusters {
  readonly fetch: Cluster
  readonly transactions: Cluster
  readonly group: Cluster
}
