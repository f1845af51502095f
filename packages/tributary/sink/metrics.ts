import { Counter, Gauge, Histogram, type Registry } from '#runtime/metrics'

/**
 * What the sink tells about itself. At any moment, for each read model:
 * `sent = applied + superseded + dead_lettered + pending`, counted in records of its rows topic.
 */
export interface SinkMetrics {
  sent(readModel: string, records: number): void
  answered(readModel: string, answer: 'applied' | 'superseded' | 'dead_lettered', records: number): void
  /** Records that were sent and will be read and sent again. */
  withdrawn(readModel: string, records: number): void
  bulk(seconds: number, documents: number): void
  retried(documents: number): void
  refreshed(readModel: string, seconds: number): void
  failed(server: 'elasticsearch' | 'kafka' | 'registry'): void
}

/** The sink's metrics, in the given registry. */
export function sinkMetrics(register: Registry): SinkMetrics {
  const registers = [register]
  const labelNames = ['read_model'] as const
  // A gauge, because what was sent and never answered is withdrawn when its session ends: it is read and sent again.
  const sent = new Gauge({
    name: 'tributary_sink_sent',
    help: 'Records taken from rows topics.',
    labelNames,
    registers,
  })
  const answers = new Counter({
    name: 'tributary_sink_answered_total',
    help: 'Records answered for, by answer: applied, superseded (a newer version is there), dead_lettered.',
    labelNames: ['read_model', 'answer'] as const,
    registers,
  })
  const pending = new Gauge({
    name: 'tributary_sink_pending',
    help: 'Records sent and not answered for yet.',
    labelNames,
    registers,
  })
  const bulks = new Histogram({
    name: 'tributary_sink_bulk_seconds',
    help: 'Time of one bulk request.',
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    registers,
  })
  const documents = new Counter({
    name: 'tributary_sink_bulk_documents_total',
    help: 'Documents in bulk requests.',
    registers,
  })
  const retries = new Counter({
    name: 'tributary_sink_retried_total',
    help: 'Documents that had to be sent again.',
    registers,
  })
  const refreshes = new Histogram({
    name: 'tributary_sink_refresh_seconds',
    help: 'Time of one refresh.',
    labelNames,
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
    registers,
  })
  const failures = new Counter({
    name: 'tributary_sink_failures_total',
    help: 'Requests a server did not answer, or answered with a fault of its own.',
    labelNames: ['server'] as const,
    registers,
  })
  return {
    sent(readModel, records) {
      sent.inc({ read_model: readModel }, records)
      pending.inc({ read_model: readModel }, records)
    },
    answered(readModel, answer, records) {
      answers.inc({ read_model: readModel, answer }, records)
      pending.dec({ read_model: readModel }, records)
    },
    withdrawn(readModel, records) {
      sent.dec({ read_model: readModel }, records)
      pending.dec({ read_model: readModel }, records)
    },
    bulk(seconds, count) {
      bulks.observe(seconds)
      documents.inc(count)
    },
    retried: (count) => retries.inc(count),
    refreshed: (readModel, seconds) => refreshes.observe({ read_model: readModel }, seconds),
    failed: (server) => failures.inc({ server }),
  }
}
