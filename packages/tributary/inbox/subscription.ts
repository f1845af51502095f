import type { Knex } from 'knex'
import type { ClientBase } from 'pg'
import type { EventsOf, EventsTopic } from '#contracts/topic'
import { clientOf } from '#outbox/outbox'

/** Where an event came from, besides its data. */
export interface EventMeta {
  /** CloudEvents id. */
  readonly id: string
  readonly key: string
  readonly topic: string
  readonly partition: number
  readonly offset: string
  /** It tells no news: it was made again of what there is. A handler that acts on news passes it over. */
  readonly republished: boolean
}

/** Works on one event inside the inbox's transaction. It runs once per event in effect; what it throws parks the key. */
export type Handler<T, Trx = Knex.Transaction> = (trx: Trx, event: T, meta: EventMeta) => Promise<void>

/** By the events' short names. */
export type Handlers<Topic, Trx> = { readonly [Name in keyof EventsOf<Topic>]?: Handler<EventsOf<Topic>[Name], Trx> }

/** What a service does with another one's events; types without a handler are passed over. */
export interface Subscription {
  readonly topic: EventsTopic
  /** By full record name. */
  readonly handlers: ReadonlyMap<string, Handler<unknown>>
}

/** States handlers that get the inbox's transaction as knex has it. */
export function subscription<T extends EventsTopic>(topic: T, handlers: Handlers<T, Knex.Transaction>): Subscription {
  const byName = new Map<string, Handler<unknown>>()
  for (const [name, handler] of Object.entries(handlers)) {
    byName.set(topic.events[name]!.name, handler as Handler<unknown>)
  }
  return { topic, handlers: byName }
}

/**
 * States handlers that get the `pg` client of the inbox's transaction. They neither commit nor roll back; `publish` takes
 * the client.
 */
export function pgSubscription<T extends EventsTopic>(topic: T, handlers: Handlers<T, ClientBase>): Subscription {
  const overKnex = Object.entries(handlers).map(([name, handler]): [string, Handler<unknown>] => [
    name,
    async (trx, event, meta) => (handler as Handler<unknown, ClientBase>)(await clientOf(trx), event, meta),
  ])
  return subscription(topic, Object.fromEntries(overKnex) as Handlers<T, Knex.Transaction>)
}
