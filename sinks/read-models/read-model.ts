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
}

/** The read model of a rows topic. */
export function readModel<Row>(topic: RowsTopic<Row>, hints: Readonly<Record<string, FieldMapping>> = {}): ReadModel {
  return { name: topic.readModel as ReadModelName, topic: topic as unknown as RowsTopic, hints }
}
