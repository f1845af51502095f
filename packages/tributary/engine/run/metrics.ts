import { Counter, Gauge, Histogram, type Registry } from '#runtime/metrics'

/** What a worker counts. Durations are in seconds, as Prometheus has them. */
export interface EngineMetrics {
  readonly recordsIn: Counter<'topic'>
  readonly recordsOut: Counter<'topic'>
  readonly deadLetters: Counter<'reason'>
  readonly epochs: Counter<'outcome'>
  readonly epochSeconds: Histogram<'phase'>
  readonly restored: Counter
  readonly restoreSeconds: Gauge
  readonly lag: Gauge<'topic'>
  readonly stateRows: Gauge
  readonly partitions: Gauge
}

/** The engine's metrics, on a process's registry. */
export function engineMetrics(registry: Registry): EngineMetrics {
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter<L>({ name: `tributary_engine_${name}`, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge<L>({ name: `tributary_engine_${name}`, help, labelNames, registers })
  return {
    recordsIn: counter('records_in_total', 'Records taken in, committed', ['topic']),
    recordsOut: counter('records_out_total', 'Records written, committed', ['topic']),
    deadLetters: counter('dead_letters_total', 'Records that could not be worked on', ['reason']),
    epochs: counter('epochs_total', 'Epochs by outcome: committed, or undone', ['outcome']),
    epochSeconds: new Histogram({
      name: 'tributary_engine_epoch_seconds',
      help: 'Duration of an epoch: working it off, and its transaction',
      labelNames: ['phase'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1, 5],
      registers,
    }),
    restored: counter('restored_records_total', 'Changelog records read to restore state', []),
    restoreSeconds: gauge('restore_seconds', 'Duration of the last restore', []),
    lag: gauge('lag_records', 'Records of a topic still to be taken in', ['topic']),
    stateRows: gauge('state_rows', 'Rows of state held', []),
    partitions: gauge('partitions', 'Partitions assigned to this worker', []),
  }
}
