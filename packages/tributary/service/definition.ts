import type { Migration } from '#database/migrations'
import type { Subscription } from '#inbox/subscription'
import type { PublishedEvents } from '#outbox/outbox'
import type { Republishable } from '#outbox/republish'
import type { Api } from './api.ts'

/** All there is to a service. */
export interface ServiceDefinition {
  readonly name: string
  /** One sentence for its OpenAPI page. */
  readonly description: string
  /** Its own tables; outbox, inbox and idempotency keys come by themselves. */
  readonly migrations: readonly Migration[]
  readonly publishes: PublishedEvents
  /** What it learns of other services. */
  readonly subscriptions: readonly Subscription[]
  /** How its events are made again of what its database has: `tributary republish`. */
  readonly republish?: readonly Republishable[]
  routes(api: Api): void
}
