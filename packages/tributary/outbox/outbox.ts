import type { Knex } from 'knex'
import type { ClientBase, Pool } from 'pg'
import { v7 as uuidv7 } from 'uuid'
import type { Codec } from '#contracts/codec'
import type { Contract, Instant } from '#contracts/contract'
import type { Plain } from '#contracts/key'
import { eventFaults } from '#contracts/rules'
import type { EventsOf, EventsTopic, KeyedEventsTopic } from '#contracts/topic'
import { EventsNotWritten, NoOutbox, NotInTransaction, NotOurEvent, PayloadTooLarge, RuleBroken } from './errors.ts'
import { traceparent } from './trace.ts'
import { execute, isInTransaction, isKnex, type Statement, type Transaction } from './transaction.ts'

/** What the outbox needs to know of an event besides its data. */
export interface Published<T> {
  /** The kind of thing it happened to, e.g. `order`. */
  readonly aggregate: string
  /** The record key: unique within the topic, the same for all events of one thing. */
  key(event: T): string
  /** When it happened in the business, where the event says so; else the moment of publishing. */
  at?(event: T): Instant | null
}

/** Every event of a service's topic, with its key. */
export interface PublishedEvents {
  readonly topic: EventsTopic
  readonly byName: ReadonlyMap<string, Published<unknown>>
}

/** What is left to say of an event whose topic says its key. */
type PublishedKeyed<T> = Omit<Published<T>, 'key'> & { readonly key?: never }

/** Says how each event of `topic` is published; the compiler asks for all of them. */
export function publishes<T extends EventsTopic>(
  topic: T,
  events: {
    readonly [Name in keyof EventsOf<T>]: T extends KeyedEventsTopic
      ? PublishedKeyed<EventsOf<T>[Name]>
      : Published<EventsOf<T>[Name]>
  },
): PublishedEvents {
  const byName = new Map<string, Published<unknown>>()
  for (const [name, given] of Object.entries<object>(events)) {
    const published = topic.keyOf ? { ...given, key: (event: unknown) => topic.keyOf!(name, event) } : given
    byName.set(topic.events[name]!.name, published as Published<unknown>)
  }
  return { topic, byName }
}

/** Bytes of an encoded event. Brokers take 1 MiB per record by default; headers and key need some of it. */
export const PAYLOAD_LIMIT = 900_000

interface Outbox {
  readonly codec: Codec
  readonly events: PublishedEvents
  readonly source: string
  readonly payloadLimit: number
  readonly judges: boolean
  readonly republished: boolean
}

/** An event that was encoded and awaits its row. */
interface OutboxRow {
  readonly aggregate: string
  readonly key: string
  readonly type: string
  readonly payload: Buffer | null
  readonly time: string
  readonly traceparent: string
}

export interface OutboxOptions {
  readonly payloadLimit?: number
  readonly judges?: boolean
  readonly republished?: boolean
}

/**
 * The same database, able to publish: its transactions take `publish`. It is knex's, a `pg` pool (whose clients publish,
 * those that are taken from it after this call), or one `pg` client. Looks up the events' schema ids and throws
 * `SchemaNotRegistered` where one is missing.
 * @param options.judges whether events must keep the rules of schemas/rules.json; false where they follow from events of
 * others, which were judged at their own door, by the rules of their time
 * @param options.republished whether its events rebuild what there is instead of telling news; they are marked
 */
export async function withOutbox<Database extends Knex | Pool | ClientBase>(
  db: Database,
  codec: Codec,
  events: PublishedEvents,
  options: OutboxOptions = {},
): Promise<Database> {
  await codec.prepare(Object.values(events.topic.events))
  const outbox: Outbox = {
    codec,
    events,
    source: `/tributary/${events.topic.service}`,
    payloadLimit: options.payloadLimit ?? PAYLOAD_LIMIT,
    judges: options.judges ?? true,
    republished: options.republished ?? false,
  }
  if (isKnex(db)) return db.withUserParams({ ...db.userParams, outbox }) as Knex & Database
  if ('totalCount' in db) db.on('acquire', (client) => void outboxes.set(client, outbox))
  else outboxes.set(db, outbox)
  return db
}

/** What each `pg` client publishes with; knex's databases carry it themselves. */
const outboxes = new WeakMap<object, Outbox>()

/** The `pg` client of a knex transaction; it publishes what the transaction may. */
export async function clientOf(trx: Knex.Transaction): Promise<ClientBase> {
  const client: ClientBase = await trx.client.acquireConnection()
  const outbox = findOutbox(trx)
  if (outbox) outboxes.set(client, outbox)
  return client
}

/**
 * Publishes an event with the business change of the same transaction: both or neither. Lock the aggregate's row
 * first, so that the order of commits is the order of its states. Where the event has ids, `data` may have plain texts.
 * @param trx a transaction of knex, or a `pg` client after `await client.query('begin')`, of a database `withOutbox`
 * Throws `NotInTransaction`, `InvalidValue` (it doesn't fit its registered schema), `RuleBroken`, `PayloadTooLarge`; each makes the
 * transaction fail.
 */
export async function publish<T>(trx: Transaction, event: Contract<T>, data: NoInfer<Plain<T>>): Promise<void> {
  await holdOrWrite(trx, occurrence(trx, event, data as T))
}

/**
 * Publishes a tombstone: the aggregate is gone for good. Its payload is NULL, its type says what happened.
 * @param name the short name, e.g. `CustomerErased`; the type is in the namespace of the topic's events
 */
export async function publishTombstone(trx: Transaction, name: string, aggregate: string, key: string): Promise<void> {
  const { events } = outboxOf(trx, name)
  const type = `${namespaceOf(events.topic)}.${name}`
  const time = new Date().toISOString()
  if (keyFault(key)) throw new RuleBroken(type, [`the key ${keyFault(key)}`])
  await holdOrWrite(trx, { aggregate, key, type, payload: null, time, traceparent: traceparent() })
}

/** The namespace of a topic's own events; where they have several, of the first: a subscriber takes any of them. */
function namespaceOf({ events }: EventsTopic): string {
  return Object.values(events)[0]!.schema.namespace
}

/**
 * Holds back what this transaction publishes from now on, its savepoints included, so that it is written with one
 * statement. Whoever calls this owns the transaction and calls `writeHeld` as its last act: a commit with events that were
 * not written fails with `EventsNotWritten`.
 */
export function holdEvents(trx: Knex.Transaction): void {
  if (holderOf(trx)) return
  held.set(trx, [])
  const commit = trx.commit
  trx.commit = (value) => {
    const waiting = held.get(trx)?.length ?? 0
    // knex rolls back what throws here.
    if (waiting > 0) throw new EventsNotWritten(waiting)
    return commit(value)
  }
}

/**
 * Writes what was held back, in the order published.
 * @param alongside an `insert` (with `?` for its values) to run in the same statement
 */
export async function writeHeld(
  trx: Knex.Transaction,
  alongside?: Statement & { readonly name: string },
): Promise<void> {
  // A savepoint's events are written by the transaction that holds them back.
  const rows = held.get(trx)?.map(({ row }) => row) ?? []
  held.delete(trx)
  if (!alongside || rows.length === 0) {
    if (alongside) await execute(trx, alongside)
    return write(trx, rows)
  }
  const { sql, values } = insertStatement(trx, rows)
  await execute(trx, {
    sql: `with alongside as (${alongside.sql}) ${sql}`,
    values: [...alongside.values, ...values],
    ...(rows.length === 1 && { name: `${alongside.name}-with-event` }),
  })
}

/** An event that is held back, and the transaction or savepoint it was published in. */
interface Held {
  readonly row: OutboxRow
  readonly trx: Transaction
}

const held = new WeakMap<Transaction, Held[]>()
/** Savepoints whose rollback takes their events along. */
const savepoints = new WeakSet<Knex>()

/** knex links a savepoint with the transaction it is in; its types leave that out. */
const outerOf = (trx: Transaction) => (trx as { parentTransaction?: Knex.Transaction }).parentTransaction

/**
 * The transaction that holds back what is published in this one: itself, or one that it is a savepoint of. A `pg` client
 * holds nothing back.
 */
function holderOf(trx: Transaction): Transaction | undefined {
  for (let each: Transaction | undefined = trx; each; each = outerOf(each)) if (held.has(each)) return each
  return undefined
}

function hold(trx: Transaction, row: OutboxRow, holder: Transaction): void {
  held.get(holder)!.push({ row, trx })
  for (let each = trx as Knex.Transaction; each !== holder; each = outerOf(each)!) forgetOnRollback(each, holder)
}

function forgetOnRollback(savepoint: Knex.Transaction, holder: Transaction): void {
  if (savepoints.has(savepoint)) return
  savepoints.add(savepoint)
  const rollback = savepoint.rollback
  savepoint.rollback = (error) => {
    const rows = held.get(holder)
    if (rows)
      held.set(
        holder,
        rows.filter(({ trx }) => !isWithin(trx, savepoint)),
      )
    return rollback(error)
  }
}

function isWithin(trx: Transaction, savepoint: Transaction): boolean {
  for (let each: Transaction | undefined = trx; each; each = outerOf(each)) if (each === savepoint) return true
  return false
}

/** A statement has at most 65,535 parameters; a row takes nine. */
const ROWS_PER_INSERT = 1_000

function outboxOf(trx: Transaction, event: string): Outbox {
  if (!isInTransaction(trx)) throw new NotInTransaction(event)
  const outbox = findOutbox(trx)
  if (!outbox) throw new NoOutbox(event)
  return outbox
}

function findOutbox(trx: Transaction): Outbox | undefined {
  if (!isKnex(trx)) return outboxes.get(trx)
  // A savepoint has no parameters of its own.
  for (let each: Knex | undefined = trx; each; each = outerOf(each)) {
    const { outbox } = each.userParams as { outbox?: Outbox }
    if (outbox) return outbox
  }
  return undefined
}

function occurrence<T>(trx: Transaction, event: Contract<T>, data: T): OutboxRow {
  const { codec, events, payloadLimit, judges } = outboxOf(trx, event.name)
  const published = events.byName.get(event.name)
  if (!published) throw new NotOurEvent(event.name, events.topic.service)
  const payload = codec.encode(event, data)
  const key = published.key(data)
  if (payload.length > payloadLimit) throw new PayloadTooLarge(event.name, key, payload.length, payloadLimit)
  if (judges) {
    const faults = eventFaults(event)(data)
    if (faults.length > 0) throw new RuleBroken(event.name, faults)
  }
  const time = new Date(published.at?.(data) ?? Date.now()).toISOString()
  return { aggregate: published.aggregate, key, type: event.name, payload, time, traceparent: traceparent() }
}

/** What Postgres would refuse, or write as another key. */
function keyFault(key: string): string | undefined {
  if (key === '' || key.includes('\0')) return 'is empty or has a NUL'
  return key.isWellFormed() ? undefined : 'has half a surrogate pair'
}

async function holdOrWrite(trx: Transaction, row: OutboxRow): Promise<void> {
  const holder = holderOf(trx)
  if (holder) hold(trx, row, holder)
  else await write(trx, [row])
}

async function write(trx: Transaction, rows: readonly OutboxRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
    const some = rows.slice(from, from + ROWS_PER_INSERT)
    // Named, so that Postgres plans the one statement that every command runs only once per connection.
    await execute(trx, { ...insertStatement(trx, some), ...(some.length === 1 && { name: 'event-insert' }) })
  }
}

const COLUMNS = 'id, aggregatetype, aggregateid, type, payload, source, time, traceparent, republished'
const ROW = '(?, ?, ?, ?, ?, ?, ?, ?, ?)'

function insertStatement(trx: Transaction, rows: readonly OutboxRow[]): Statement {
  const { source, republished } = outboxOf(trx, rows[0]!.type)
  return {
    sql: `insert into outbox (${COLUMNS}) values ${rows.map(() => ROW).join(', ')}`,
    values: rows.flatMap((row) => [
      uuidv7(),
      row.aggregate,
      row.key,
      row.type,
      row.payload,
      source,
      row.time,
      row.traceparent,
      String(republished),
    ]),
  }
}
