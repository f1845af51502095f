import type { ReadModelName, RowsTopic } from '#schemas/topics.ts'

/** A field of an Elasticsearch mapping. */
export type FieldMapping = Readonly<Record<string, unknown>> & { readonly type?: string }

/**
 * What people search: the documents of one rows topic, under one alias. Fields, their types and their order come from
 * the row's Avro schema; `hints` says what the schema can't.
 */
export interface ReadModel<Row = unknown> {
  /** The alias that is read. */
  readonly name: ReadModelName
  readonly topic: RowsTopic<Row>
  /** A field's mapping by its path (`customer.zip`), instead of the one its Avro type gives. */
  readonly hints: Readonly<Record<string, FieldMapping>>
  /** In light traffic, the least time from one write to the next, in ms: each makes a new, small segment searchable. */
  readonly paceMs: number
}

/** The read model of a rows topic. */
export function readModel<Row>(
  topic: RowsTopic<Row>,
  { hints = {}, paceMs }: { readonly hints?: ReadModel['hints']; readonly paceMs: number },
): ReadModel {
  return { name: topic.readModel as ReadModelName, topic: topic as unknown as RowsTopic, hints, paceMs }
}

/** What is one order's, somebody waits for; to sums over days or people half a second more or less doesn't matter. */
export const PACE_MS = { rows: 50, sums: 500 } as const
