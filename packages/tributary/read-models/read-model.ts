import type { RowsTopic } from '#contracts/topic'

/** A field of an Elasticsearch mapping. */
export type FieldMapping = Readonly<Record<string, unknown>> & { readonly type?: string }

/**
 * What people search: the documents of one rows topic, under one alias. Fields, their types and their order come from
 * the row's Avro schema; `hints` says what the schema can't.
 */
export interface ReadModel<Row = unknown> {
  /** The alias that is read. */
  readonly name: string
  readonly topic: RowsTopic<Row>
  /** A field's mapping by its path (`customer.zip`), instead of the one its Avro type gives. */
  readonly hints: Readonly<Record<string, FieldMapping>>
  readonly pace: Pace
}

/** How often documents are written in light traffic. Each write makes a new, small segment searchable, which costs. */
export interface Pace {
  /** The least time from the beginning of one write to that of the next, in ms. */
  readonly leastMs: number
  /** The most of all time that may go into writes: on a busy or slow machine they are further apart by themselves. */
  readonly share: number
}

/** For one row somebody waits; to sums over days or people half a second more or less doesn't matter. */
export const paces = {
  rows: { leastMs: 75, share: 1 },
  sums: { leastMs: 500, share: 1 / 10 },
} as const satisfies Record<string, Pace>

/**
 * The read model of a rows topic.
 * @param options.pace `paces.rows` unless told otherwise
 */
export function readModel<Row>(
  topic: RowsTopic<Row>,
  { hints = {}, pace = paces.rows }: { readonly hints?: ReadModel['hints']; readonly pace?: Pace } = {},
): ReadModel {
  return { name: topic.readModel as string, topic: topic as unknown as RowsTopic, hints, pace }
}
