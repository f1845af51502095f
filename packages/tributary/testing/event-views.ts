import type pg from 'pg'
import type { EventsTopic } from '#contracts/topic'
import { fieldsOf, type Shape } from '#read-models/avro'
import { compileDocument } from '#read-models/document'
import type { TopicEvent } from './records.ts'

/**
 * A history as SQL sees it: a view for each event, named after it, in a schema named after its service. Its columns are the
 * event's place in the history (`seq bigint`), its record key (`key text`) and its fields: instants are `timestamptz`, lists
 * and records `jsonb` with instants in ISO 8601.
 */
export interface EventViews {
  /** Puts a history's events, those that nothing erased after them, in the place of the one before. */
  fill(events: readonly TopicEvent[]): Promise<void>
}

/** Makes the views, in a database of their own, and puts their schemas on the session's search path. */
export async function eventViewsOn(client: pg.Client, topics: readonly EventsTopic[]): Promise<EventViews> {
  const statements = topics.flatMap((topic) => [
    `create schema ${quoted(topic.service)}`,
    ...Object.entries(topic.events).map(([name, { schema }]) => viewOf(topic, name, schema)),
  ])
  const path = ['public', ...topics.map(({ service }) => quoted(service))]
  await client.query(
    [
      'create schema history',
      'create table history.events (seq bigint, topic text, key text, name text, data jsonb)',
      ...statements,
      `set search_path = ${path.join(', ')}`,
    ].join(';\n'),
  )
  const writers = new Map<object, (data: unknown) => object>()
  const written = ({ topic, name, data }: TopicEvent) => {
    const contract = topic.events[name]!
    const write = writers.get(contract) ?? compileDocument(contract.schema)
    writers.set(contract, write)
    return write(data)
  }
  return {
    async fill(events) {
      const rows = events.map((event, i) => {
        return { seq: i + 1, topic: event.topic.name, key: event.key, name: event.name, data: written(event) }
      })
      await client.query('truncate history.events')
      await client.query(
        `insert into history.events select * from jsonb_to_recordset($1)
           as event (seq bigint, topic text, key text, name text, data jsonb)`,
        [JSON.stringify(rows)],
      )
    },
  }
}

function viewOf(topic: EventsTopic, name: string, schema: unknown): string {
  const fields = fieldsOf(schema)
  const own = ['seq', 'key'].filter((column) => !fields.some((field) => field.name === column))
  const columns = [
    ...own.map((column) => (column === 'key' ? `key collate "C" as key` : column)),
    ...fields.map((field) => `${columnOf(field.name, field.shape)} as ${quoted(field.name)}`),
  ]
  return `create view ${quoted(topic.service)}.${quoted(name)} as
    select ${columns.join(', ')} from history.events where topic = ${literal(topic.name)} and name = ${literal(name)}`
}

function columnOf(name: string, shape: Shape): string {
  const text = `(data->>${literal(name)})`
  switch (shape.kind) {
    case 'string':
      return `${text} collate "C"`
    case 'int':
      return `${text}::int`
    case 'long':
      return `${text}::bigint`
    case 'double':
      return `${text}::double precision`
    case 'boolean':
      return `${text}::boolean`
    case 'instant':
      return `${text}::timestamptz`
    default:
      return `(data->${literal(name)})`
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
const literal = (text: string) => `'${text.replaceAll("'", "''")}'`
