import type { Plain } from '#contracts/key'
import type { EventsOf, EventsTopic, RowsTopic } from '#contracts/topic'

/** An event as its topic holds it. */
export interface TopicEvent<Topic extends EventsTopic = EventsTopic, Name extends string = string, Data = unknown> {
  readonly topic: Topic
  readonly key: string
  readonly name: Name
  readonly data: Data
}

/** A row as another topology wrote it. */
export interface TopicRow {
  readonly topic: RowsTopic
  readonly row: unknown
}

/** A tombstone: nothing is left of the key. */
export interface Tombstone {
  readonly topic: EventsTopic | RowsTopic
  readonly key: string
  readonly erased: true
}

/** Anything that stands on a topic. */
export type TopicRecord = TopicEvent | TopicRow | Tombstone

/**
 * An event of a topic, by its short name. Its ids may be plain texts.
 * @param key the record key under which its service publishes it
 * @throws TypeError for a key that isn't the one which the topic reads off such an event
 */
export function event<Topic extends EventsTopic, Name extends keyof EventsOf<Topic> & string>(
  topic: Topic,
  name: Name,
  key: string,
  data: Plain<EventsOf<Topic>[Name]>,
): TopicEvent<Topic, Name, Plain<EventsOf<Topic>[Name]>> {
  const read = topic.keyOf?.(name, data)
  if (read !== undefined && read !== key) {
    throw new TypeError(`${topic.name} keys this ${name} by ${JSON.stringify(read)}, not by ${JSON.stringify(key)}`)
  }
  return { topic, key, name, data }
}

/** A row of a rows topic; its key follows from it. */
export function row<Row>(topic: RowsTopic<Row>, row: Plain<NoInfer<Row>>): TopicRow {
  return { topic: topic as RowsTopic, row }
}

/** A tombstone of a key. */
export function tombstone(topic: EventsTopic | RowsTopic, key: string): Tombstone {
  return { topic, key, erased: true }
}

export function keyOf(record: TopicRecord): string {
  return 'key' in record ? record.key : record.topic.key(record.row)
}

/** A record in one line, for messages. */
export function inWords(record: TopicRecord): string {
  const place = `${record.topic.name} "${keyOf(record)}"`
  if ('erased' in record) return `${place} tombstone`
  return 'row' in record
    ? `${place} ${JSON.stringify(record.row)}`
    : `${place} ${record.name} ${JSON.stringify(record.data)}`
}
