import { processorApp } from '#contracts/apps'
import type { Codec } from '#contracts/codec'
import type { Concern } from '#runtime/health'
import type { KafkaAt } from '#runtime/kafka-at'
import type { Log } from '#runtime/log'
import type { Registry } from '#runtime/metrics'
import type { Topology } from '../dsl/topology.ts'
import { plan } from '../plan/plan.ts'

/** What somebody waits for is written at once; in ms. */
const PACE_MS = 15

/** Where and how a topology's worker runs. */
export interface RunOptions {
  /** The cluster: `host:port` of some of its brokers, or those with how they are secured. */
  readonly brokers: KafkaAt
  /** Reads and writes the topics' records by the registered schemas. */
  readonly codec: Codec
  readonly log: Log
  /** Where the worker's figures go (`tributary_engine_…`). */
  readonly metrics: Registry
  /**
   * Consumer group, and prefix of the names of the worker's own topics: `processor-<topology>` unless given. Its state is of
   * that name.
   */
  readonly app?: string
  /** Which of the app's workers this is, from 0, which it is unless given. A worker takes its slot over from one that has it. */
  readonly slot?: number
  /** The least time from the beginning of one epoch to that of the next, in ms: 15 unless given, 0 for none. */
  readonly paceMs?: number
  /** What people forget the app's state with; named where nothing else helps. The command line's own unless given. */
  readonly resetCommand?: string
}

/** A worker that was started. */
export interface Running {
  /** Never resolves while it works; rejects with what can't be healed by trying again. */
  readonly failed: Promise<never>
  /** Why the worker doesn't work off its input at this time; undefined when it does. */
  trouble(): string | undefined
  /** What isn't well though it works. */
  concerns(): readonly Concern[]
  /** Ends after the epoch under way, leaves the group, and lets go of all connections. */
  stop(): Promise<void>
}

/**
 * Runs a topology as a worker: joins the others of its app, restores the state of the partitions it is given, and works off
 * what comes, exactly once, until it is stopped. Faults of the infrastructure are tried again for as long as it takes.
 *
 * Topics and schemas have to be there; the worker's own topics are made. Throws `PLAN_INVALID` or `NOT_COPARTITIONED` for a
 * topology that can't be planned. What runs a worker is loaded here and not before: a topology is a value, and whoever only
 * reads it needs none of it.
 */
export async function run(topology: Topology, options: RunOptions): Promise<Running> {
  const { app = processorApp(topology.name), slot = 0, paceMs = PACE_MS } = options
  const { brokers, codec, log, resetCommand = `npx --no tributary processor reset ${topology.name} --yes` } = options
  const planned = plan(topology)
  const { engineMetrics } = await import('./metrics.ts')
  const { Worker } = await import('./worker.ts')
  const metrics = engineMetrics(options.metrics)
  const worker = new Worker({ plan: planned, app, slot, brokers, codec, log, metrics, paceMs, resetCommand })
  const failed = worker.run().then(() => new Promise<never>(() => {}))
  return {
    failed,
    trouble: () => worker.trouble(),
    concerns: () => worker.concerns(),
    stop: () => worker.stop(),
  }
}
