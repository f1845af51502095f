import type { Knex } from 'knex'
import type { EventsOf, EventsTopic } from '#contracts/topic'

/** Where an event came from, besides its data. */
export interface EventMeta {
  /** CloudEvents id. */
  readonly id: string
  readonly key: string
  readonly topic: string
  readonly partition: number
  readonly offset: string
}

/** Works on one event inside the inbox's transaction. It runs once per event in effect; what it throws parks the key. */
export type Handler<T> = (trx: Knex.Transaction, event: T, meta: EventMeta) => Promise<void>

/** What a service does with another one's events; types without a handler are passed over. */
export interface Subscription {
  readonly topic: EventsTopic
  /** By full record name. */
  readonly handlers: ReadonlyMap<string, Handler<unknown>>
}

/** States handlers by the events' short names. */
export function subscription<T extends EventsTopic>(
  topic: T,
  handlers: { readonly [Name in keyof EventsOf<T>]?: Handler<EventsOf<T>[Name]> },
): Subscription {
  const byName = new Map<string, Handler<unknown>>()
  for (const [name, handler] of Object.entries(handlers)) {
    byName.set(topic.events[name]!.name, handler as Handler<unknown>)
  }
  return { topic, handlers: byName }
}
