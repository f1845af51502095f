import type { Changes } from './changes.ts'
import { type Field, isSingle } from './fields.ts'
import { singular, snake } from './names.ts'
import { type KeyPart, publishedOf } from './publishing.ts'
import { Refused } from './refused.ts'
import { findRecord } from './schemas.ts'
import { tablesOf } from './tables.ts'
import { topicOf } from './topics.ts'
import { copiedTables } from './verification.ts'

/** Where rows come from: the events of one kind of thing, and the table in which its service keeps it. */
export interface Origin {
  readonly service: string
  /** The topic, by its name in schemas/topics.ts. */
  readonly constant: string
  /** What one of them is called. */
  readonly noun: string
  /** The event that a row begins with. */
  readonly begins: string
  /** The events of these things, that one first; each with its fields. */
  readonly events: readonly { readonly name: string; readonly fields: readonly Field[] }[]
  /** Whether the topic has events of other things, too. */
  readonly amongOthers: boolean
  /** What a row can have of the first event: single values that the table has, too. */
  readonly fields: readonly Field[]
  /** Fields of the first event that it can't have. */
  readonly left: readonly string[]
  readonly key: readonly KeyPart[]
  readonly keyFields: readonly string[]
  readonly table: string
  /** Whether verification copies the table already. */
  readonly copied: boolean
  /** Whether the table was found in the service's migrations, and isn't a guess. */
  readonly found: boolean
}

/**
 * What a read model can be made of that a service publishes. Throws `Refused`.
 * @param event the event that a row begins with; the topic's first unless told
 */
export function originOf(changes: Changes, service: string, event?: string): Origin {
  const topic = topicOf(changes, service)
  const published = publishedOf(changes, topic)
  const begins = event ?? topic.events[0]
  const first = published.events.find((one) => one.event === begins)
  if (!first) {
    const choice = published.events.map((one) => one.event).join(', ') || 'none'
    throw new Refused(`${published.path} doesn't say how "${begins}" is keyed; these are: ${choice}`)
  }
  const { keyParts, keyFields, aggregate } = first
  if (!keyParts) {
    throw new Refused(
      `${published.path}: the key of "${begins}" (${first.key}) is more than fields with texts between them; write this one by hand`,
    )
  }
  const own = published.events.filter((one) => one.aggregate === aggregate && one !== first)
  const events = [first, ...own].map(({ event: name }) => ({
    name,
    fields: findRecord(changes, name)?.schema.fields ?? [],
  }))
  const { table, columns, copied, found } = tableOf(changes, service, aggregate, keyFields)
  const canHave = ({ name, type }: Field) => isSingle(type) && (columns === undefined || columns.includes(snake(name)))
  const [{ fields: all }] = events as [(typeof events)[number]]
  const fields = all.filter(canHave)
  const missing = keyFields.find((key) => !fields.some(({ name }) => name === key))
  if (missing !== undefined) {
    throw new Refused(
      `"${begins}" is keyed by "${missing}", which its fields or the copied table "${table}" don't have; write this one by hand`,
    )
  }
  return {
    service,
    constant: topic.constant,
    noun: aggregate,
    begins: first.event,
    events,
    amongOthers: events.length < topic.events.length,
    fields,
    left: all.filter((field) => !canHave(field)).map(({ name }) => name),
    key: keyParts,
    keyFields,
    table,
    copied,
    found,
  }
}

/** The service's table of a kind of thing; one of the service's name where its migrations show none. */
function tableOf(changes: Changes, service: string, aggregate: string, keyFields: readonly string[]) {
  const made = tablesOf(changes, service).filter(({ columns }) =>
    keyFields.every((key) => columns.includes(snake(key))),
  )
  const one = made.find(({ table }) => singular(table) === aggregate) ?? made[0]
  const table = one?.table ?? service
  const copied = copiedTables(changes).find((other) => other.table === table)
  if (copied && copied.service !== service) {
    throw new Refused(`verification copies a table "${table}" of "${copied.service}" already: two of one name can't be`)
  }
  const columns =
    copied && one ? one.columns.filter((column) => copied.columns.includes(column)) : (copied?.columns ?? one?.columns)
  return { table, columns, copied: copied !== undefined, found: one !== undefined }
}
