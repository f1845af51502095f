import type { Contract, ValueOf } from './contract.ts'

/** Growing a topic means a new generation, never `alter`: keys must stay where they are. */
const PARTITIONS = 8

const DAY_MS = 86_400_000

/**
 * A record's timestamp is a moment of the source database. While a clock was ahead there it lies in the future, and a broker
 * refuses more than an hour of that by default: all records behind it would wait.
 */
const ANY_TIME = { 'message.timestamp.after.max.ms': '9223372036854775807' }

/** A service's domain topic: several event types, keyed by aggregate id, kept for ever. */
export interface EventsTopic<Events extends Record<string, Contract<unknown>> = Record<string, Contract<unknown>>> {
  readonly kind: 'events'
  readonly name: string
  readonly service: string
  /** By the record's short name, e.g. `BookLent`. */
  readonly events: Events
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** A read model's derived topic: the current row of each key, compacted; a tombstone says the row is gone. */
export interface RowsTopic<Row = unknown> {
  readonly kind: 'rows'
  readonly name: string
  readonly readModel: string
  readonly generation: number
  readonly row: Contract<Row>
  /** The record key of a row, which is the document's `_id`. */
  key(row: Row): string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** Where records go that can't be worked on, with the reason in their headers. */
export interface DeadLetterTopic {
  readonly kind: 'dead-letters'
  readonly name: string
  readonly app: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

export type Topic = EventsTopic | RowsTopic | DeadLetterTopic

/** The event types of a topic, by short name. */
export type EventsOf<T> =
  T extends EventsTopic<infer Events> ? { [Name in keyof Events]: ValueOf<Events[Name]> } : never

/** The domain topic of a service. */
export function eventsTopic<Events extends Record<string, Contract<unknown>>>(
  service: string,
  events: Events,
): EventsTopic<Events> {
  const config = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1', ...ANY_TIME }
  return { kind: 'events', name: `${service}.events`, service, events, partitions: PARTITIONS, config }
}

/** The rows topic of a read model. A new generation is a new topic: rows that differ in more than added fields. */
export function rowsTopic<Row>(
  readModel: string,
  generation: number,
  row: Contract<Row>,
  key: (row: Row) => string,
): RowsTopic<Row> {
  const config = { 'cleanup.policy': 'compact', 'delete.retention.ms': String(DAY_MS), ...ANY_TIME }
  const name = `${readModel}.rows.${generation}`
  return { kind: 'rows', name, readModel, generation, row, key, partitions: PARTITIONS, config }
}

/** The dead-letter topic of an application. */
export function deadLettersOf(app: string): DeadLetterTopic {
  const config = { 'cleanup.policy': 'delete', 'retention.ms': '-1', ...ANY_TIME }
  return { kind: 'dead-letters', name: `${app}.dead-letters`, app, partitions: 1, config }
}
