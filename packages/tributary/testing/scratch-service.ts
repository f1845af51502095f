import type { Knex } from 'knex'
import { type Codec, memoryCodec } from '#contracts/codec'
import type { Contract } from '#contracts/contract'
import type { EventsTopic } from '#contracts/topic'
import { openDatabase } from '#database/connect'
import type { Outcome } from '#inbox/apply'
import { withOutbox } from '#outbox/outbox'
import { openLog } from '#runtime/log'
import { Registry } from '#runtime/metrics'
import type { ServiceDefinition } from '#service/definition'
import { inboxPool, requestPool } from '#service/pools'
import { openServer } from '#service/server'
import { type InboxLetter, memoryInbox } from './memory-inbox.ts'
import { type Tombstone, type TopicEvent, tombstone } from './records.ts'
import { scratchDatabase } from './scratch-database.ts'

/** What a service answered. */
export interface ServiceAnswer {
  readonly status: number
  /** Of JSON the value, else the text. */
  readonly body: unknown
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
}

/** A service that runs in this process on a database of its own, without a broker. */
export interface ScratchService extends AsyncDisposable {
  get(path: string, options?: RequestOptions): Promise<ServiceAnswer>
  post(path: string, body?: unknown, options?: RequestOptions): Promise<ServiceAnswer>
  put(path: string, body?: unknown, options?: RequestOptions): Promise<ServiceAnswer>
  delete(path: string, options?: RequestOptions): Promise<ServiceAnswer>
  /** The events it has published since they were asked for last, in order, as `event(…)` and `tombstone(…)` state them. */
  published(): Promise<readonly (TopicEvent | Tombstone)[]>
  /**
   * Gives its subscription an event, as the inbox does: in one transaction with its position and with what the handler
   * publishes. The same value given again is the same record again, which an inbox handles once. Gives what became of it:
   * `handled`, `repeated`, `passed` (there is no handler for it) or `parked` (see `deadLetters`).
   * @param options.republished whether it only says anew what there is, see `EventMeta`
   */
  deliver(event: TopicEvent | Tombstone, options?: { readonly republished?: boolean }): Promise<Outcome>
  /** What its inbox set aside. An event that waits behind another one of its key has no letter of its own. */
  readonly deadLetters: readonly InboxLetter[]
  /** Its database, entered as the service itself. */
  readonly db: Knex
  /** Ends it and deletes its database. */
  stop(): Promise<void>
}

/**
 * Starts a service on a scratch database (`scratchDatabase`): requests go through its own HTTP server, without a socket, and
 * events are encoded without a registry. What fails inside is logged on standard output (`LOG_LEVEL`, `error` by default).
 */
export async function scratchService(service: ServiceDefinition): Promise<ScratchService> {
  const database = await scratchDatabase(service)
  const codec = await codecOf(service)
  const log = openLog(service.name, process.env.LOG_LEVEL ?? 'error')
  const db = await withOutbox(requestPool(database.service, service.name), codec, service.publishes)
  // What it learns of others was judged at their doors.
  const inboxDb = await withOutbox(inboxPool(database.service, service.name), codec, service.publishes, {
    judges: false,
  })
  // A service may only write its outbox.
  const outbox = openDatabase(database.superuser, { application: 'tributary-scratch', pool: 1 })
  const server = await openServer(service, db, { log, metrics: new Registry(), health: () => undefined })
  const inbox = memoryInbox(service, inboxDb, codec)

  const ask = async (method: Method, url: string, body: unknown, { headers }: RequestOptions = {}) => {
    const answer = await server.inject({
      method,
      url,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { payload: JSON.stringify(body) }),
    })
    const isJson = /json/.test(String(answer.headers['content-type']))
    return { status: answer.statusCode, body: isJson ? answer.json() : answer.body }
  }
  const seen: string[] = []
  const stop = async () => {
    await server.close()
    await Promise.all([db, inboxDb, outbox].map((pool) => pool.destroy()))
    await database[Symbol.asyncDispose]()
  }
  return {
    get: (path, options) => ask('GET', path, undefined, options),
    post: (path, body, options) => ask('POST', path, body, options),
    put: (path, body, options) => ask('PUT', path, body, options),
    delete: (path, options) => ask('DELETE', path, undefined, options),
    async published() {
      const { rows } = await outbox.raw(
        'select id, aggregateid as key, type, payload from outbox where id <> all (?::uuid[]) order by id',
        [seen] as unknown as Knex.RawBinding[],
      )
      seen.push(...(rows as OutboxRow[]).map(({ id }) => id))
      return (rows as OutboxRow[]).map((row) => publishedOf(service.publishes.topic, codec, row))
    },
    deliver: inbox.deliver,
    deadLetters: inbox.deadLetters,
    db,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

interface OutboxRow {
  readonly id: string
  readonly key: string
  readonly type: string
  readonly payload: Buffer | null
}

function publishedOf(topic: EventsTopic, codec: Codec, { key, type, payload }: OutboxRow): TopicEvent | Tombstone {
  if (payload === null) return tombstone(topic, key)
  const [name] = Object.entries(topic.events).find(([, contract]) => contract.name === type)!
  // Plain data, as a test states it.
  return { topic, key, name, data: JSON.parse(JSON.stringify(codec.decode(payload).value)) }
}

/** A codec for what a service publishes and what it subscribes to. */
async function codecOf({ publishes, subscriptions }: ServiceDefinition): Promise<Codec> {
  const topics = [publishes.topic, ...subscriptions.map(({ topic }) => topic)]
  const contracts: Contract<unknown>[] = topics.flatMap(({ events }) => Object.values(events))
  const codec = memoryCodec(contracts)
  await codec.prepare(contracts)
  return codec
}
