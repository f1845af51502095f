import type { Contract, ValueOf } from './contract.ts'
import { type KeyFor, type KeyParts, keyText } from './key.ts'

/** Growing a topic means a new generation, never `alter`: keys must stay where they are. */
const PARTITIONS = 8

const DAY_MS = 86_400_000

/**
 * A record's timestamp is a moment of the source database. While a clock was ahead there it lies in the future, and a broker
 * refuses more than an hour of that by default: all records behind it would wait.
 */
const ANY_TIME = { 'message.timestamp.after.max.ms': '9223372036854775807' }

type Contracts = Record<string, Contract<unknown>>

/** A service's domain topic: several event types, keyed by aggregate id, kept for ever. */
export interface EventsTopic<Events extends Contracts = Contracts, Keys = { [Name in keyof Events]: string }> {
  readonly kind: 'events'
  readonly name: string
  readonly service: string
  /** By the record's short name, e.g. `BookLent`. */
  readonly events: Events
  /** The record key of an event of this short name. Where the topic doesn't say it, whoever publishes does. */
  keyOf?(name: string, event: unknown): string
  /** The type of each event's key. Only there for the compiler; never set. */
  readonly keys?: Keys
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** An events topic that says how its events are keyed. */
export interface KeyedEventsTopic<Events extends Contracts = Contracts, Keys = { [Name in keyof Events]: string }>
  extends EventsTopic<Events, Keys> {
  keyOf(name: string, event: unknown): string
}

/** A read model's derived topic: the current row of each key, compacted; a tombstone says the row is gone. */
export interface RowsTopic<Row = unknown, Key extends string = string> {
  readonly kind: 'rows'
  readonly name: string
  readonly readModel: string
  readonly generation: number
  readonly row: Contract<Row>
  /** The record key of a row, which is the document's `_id`. */
  key(row: Row): Key
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
  T extends EventsTopic<infer Events, infer _Keys> ? { [Name in keyof Events]: ValueOf<Events[Name]> } : never

/** The types of the record keys of a topic's events, by short name. */
export type KeysOf<T> = T extends EventsTopic<infer _Events, infer Keys> ? Keys : never

/** What a record's key may be given as: the text that it is, a whole number, or a record of values (`recordKey`). */
type Named<Parts> = string | number | KeyParts<Parts>

type EventOf<Events extends Contracts> = ValueOf<Events[keyof Events]>
/** What reads the keys off a topic's events, one for each. */
type Readers<Events extends Contracts> = {
  readonly [Name in keyof Events]: (event: ValueOf<Events[Name]>) => string | number | object
}
/** The same, where each is one that a key can be made of. */
type Checked<Key extends Readers<Contracts>> = {
  readonly [Name in keyof Key]: (event: never) => Named<ReturnType<Key[Name]>>
}

/**
 * The domain topic of a service.
 * @param options.key the record key, read off an event: one function for all of them, or one for each by its name. It is
 * the same for all events of one thing. Topologies know tables by its type; what publishes needn't say it again.
 */
export function eventsTopic<Events extends Contracts>(service: string, events: Events): EventsTopic<Events>
export function eventsTopic<Events extends Contracts, Name extends Named<Name>>(
  service: string,
  events: Events,
  options: { readonly key: (event: EventOf<Events>) => Name },
): KeyedEventsTopic<Events, { [Event in keyof Events]: KeyFor<Name> }>
export function eventsTopic<Events extends Contracts, Key extends Readers<Events>>(
  service: string,
  events: Events,
  options: { readonly key: Key & Checked<Key> },
): KeyedEventsTopic<Events, { [Event in keyof Events]: KeyFor<ReturnType<Key[Event]>> }>
export function eventsTopic(
  service: string,
  events: Contracts,
  options?: { readonly key: ReadKey | Readonly<Record<string, ReadKey>> },
): EventsTopic {
  const config = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1', ...ANY_TIME }
  const topic = { kind: 'events', name: `${service}.events`, service, events, partitions: PARTITIONS, config } as const
  if (!options) return topic
  const { key } = options
  return { ...topic, keyOf: (name, event) => keyText((typeof key === 'function' ? key : key[name]!)(event as never)) }
}

type ReadKey = (event: never) => string | number | object

/**
 * The rows topic of a read model.
 * @param options.key a row's record key: a text, a whole number, or a record of values, of which `recordKey` makes the text
 * @param options.generation 1 unless told. A new generation is a new topic: rows that differ in more than added fields.
 */
export function rowsTopic<Row, Name extends Named<Name> = string>(
  readModel: string,
  row: Contract<Row>,
  { key, generation = 1 }: { readonly key: (row: Row) => Name; readonly generation?: number },
): RowsTopic<Row, KeyFor<Name>> {
  const config = { 'cleanup.policy': 'compact', 'delete.retention.ms': String(DAY_MS), ...ANY_TIME }
  const name = `${readModel}.rows.${generation}`
  const keyOf = (row: Row) => keyText(key(row)) as KeyFor<Name>
  return { kind: 'rows', name, readModel, generation, row, key: keyOf, partitions: PARTITIONS, config }
}

/** The dead-letter topic of an application. */
export function deadLettersOf(app: string): DeadLetterTopic {
  const config = { 'cleanup.policy': 'delete', 'retention.ms': '-1', ...ANY_TIME }
  return { kind: 'dead-letters', name: `${app}.dead-letters`, app, partitions: 1, config }
}
