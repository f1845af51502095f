import { Counter, Gauge, type Registry } from '#runtime/metrics'

/** What the watch measures. */
export function openMeters(registry: Registry) {
  const gauge = (name: string, help: string, label: string) =>
    new Gauge({ name, help, labelNames: [label], registers: [registry] })
  return {
    running: gauge('tributary_connector_running', '1 while the connector and its task run', 'connector'),
    drift: gauge('tributary_connector_drift_settings', "Settings that aren't what the file says", 'connector'),
    restarts: new Counter({
      name: 'tributary_connector_restarts_total',
      help: 'Restarts of failed tasks',
      labelNames: ['connector'],
      registers: [registry],
    }),
    slotActive: gauge('tributary_slot_active', '1 while a connector reads the slot', 'slot'),
    slotBehind: gauge('tributary_slot_behind_bytes', 'WAL not yet confirmed by the connector', 'slot'),
    slotRetained: gauge('tributary_slot_retained_bytes', 'WAL the server keeps for the slot', 'slot'),
    daysAhead: gauge('tributary_outbox_days_ahead', 'Days beyond today that have a partition', 'service'),
    kept: gauge('tributary_outbox_partitions_kept', 'Partitions past the retention that must stay', 'service'),
  }
}

export type WatchMeters = ReturnType<typeof openMeters>
