import type { Contract, ValueOf } from './contract.ts'
import * as c from './contracts.generated.ts'
import { salesKey } from './keys.ts'

/** Growing a topic means a new generation, never `alter`: keys must stay where they are. */
const PARTITIONS = 8

const DAY_MS = 86_400_000

/**
 * A record's timestamp is a moment of the source database. While a clock was ahead there it lies in the future, and a broker
 * refuses more than an hour of that by default: all records behind it would wait.
 */
const ANY_TIME = { 'message.timestamp.after.max.ms': '9223372036854775807' }

/** The services that own a database and publish events. */
export const services = ['customers', 'catalog', 'orders', 'payments', 'shipping', 'reviews'] as const
export type ServiceName = (typeof services)[number]

/** A service's domain topic: several event types, keyed by aggregate id, kept for ever. */
export interface EventsTopic<Events extends Record<string, Contract<unknown>> = Record<string, Contract<unknown>>> {
  readonly kind: 'events'
  readonly name: string
  readonly service: ServiceName
  /** By the record's short name, e.g. `OrderPlaced`. */
  readonly events: Events
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** A read model's derived topic: the current row of each key, compacted; a tombstone says the row is gone. */
export interface RowsTopic<Row = unknown> {
  readonly kind: 'rows'
  readonly name: string
  readonly readModel: string
  readonly generation: number
  readonly row: Contract<Row>
  /** The record key of a row, which is the document's `_id`. */
  key(row: Row): string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** Where records go that can't be worked on, with the reason in their headers. */
export interface DeadLetterTopic {
  readonly kind: 'dead-letters'
  readonly name: string
  readonly app: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

export type Topic = EventsTopic | RowsTopic | DeadLetterTopic

/** The event types of a topic, by short name. */
export type EventsOf<T> =
  T extends EventsTopic<infer Events> ? { [Name in keyof Events]: ValueOf<Events[Name]> } : never

function eventsTopic<Events extends Record<string, Contract<unknown>>>(
  service: ServiceName,
  events: Events,
): EventsTopic<Events> {
  const config = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1', ...ANY_TIME }
  return { kind: 'events', name: `${service}.events`, service, events, partitions: PARTITIONS, config }
}

function rowsTopic<Row>(
  readModel: string,
  generation: number,
  row: Contract<Row>,
  key: (row: Row) => string,
): RowsTopic<Row> {
  const config = { 'cleanup.policy': 'compact', 'delete.retention.ms': String(DAY_MS), ...ANY_TIME }
  const name = `${readModel}.rows.${generation}`
  return { kind: 'rows', name, readModel, generation, row, key, partitions: PARTITIONS, config }
}

/** The dead-letter topic of an application. */
export function deadLettersOf(app: string): DeadLetterTopic {
  const config = { 'cleanup.policy': 'delete', 'retention.ms': '-1', ...ANY_TIME }
  return { kind: 'dead-letters', name: `${app}.dead-letters`, app, partitions: 1, config }
}

export const Customers = eventsTopic('customers', {
  CustomerRegistered: c.CustomerRegistered,
  CustomerMoved: c.CustomerMoved,
})
export const Catalog = eventsTopic('catalog', {
  ProductListed: c.ProductListed,
  ProductCategorised: c.ProductCategorised,
  SellerJoined: c.SellerJoined,
  SellerMoved: c.SellerMoved,
  CategoryTranslated: c.CategoryTranslated,
})
export const Orders = eventsTopic('orders', {
  OrderPlaced: c.OrderPlaced,
  OrderApproved: c.OrderApproved,
  OrderInvoiced: c.OrderInvoiced,
  OrderProcessing: c.OrderProcessing,
  OrderShipped: c.OrderShipped,
  OrderDelivered: c.OrderDelivered,
  OrderCanceled: c.OrderCanceled,
  OrderUnavailable: c.OrderUnavailable,
})
export const Payments = eventsTopic('payments', {
  PaymentReceived: c.PaymentReceived,
  PaymentReversed: c.PaymentReversed,
})
export const Shipping = eventsTopic('shipping', {
  ShipmentPrepared: c.ShipmentPrepared,
  ShipmentShipped: c.ShipmentShipped,
  ShipmentDelivered: c.ShipmentDelivered,
})
export const Reviews = eventsTopic('reviews', {
  ReviewWritten: c.ReviewWritten,
  ReviewAnswered: c.ReviewAnswered,
  ReviewWithdrawn: c.ReviewWithdrawn,
})

export const OrderRows = rowsTopic('orders', 1, c.OrderRow, (row) => row.orderId)
export const SalesRows = rowsTopic('sales', 1, c.SalesRow, salesKey)
export const CustomerRows = rowsTopic('customers', 1, c.CustomerRow, (row) => row.uniqueId)
export const SellerRows = rowsTopic('sellers', 1, c.SellerRow, (row) => row.sellerId)

export const domainTopics = [Customers, Catalog, Orders, Payments, Shipping, Reviews] as const
export const rowsTopics = [OrderRows, SalesRows, CustomerRows, SellerRows] as const

/** The read models, each kept by a topology of the same name. */
export const readModels = ['orders', 'sales', 'customers', 'sellers'] as const
export type ReadModelName = (typeof readModels)[number]

/** The services that subscribe to others' topics. */
export const subscribers = ['orders', 'payments', 'shipping'] as const

/** Application id of a topology's processor: its consumer group, and the prefix of its internal topics. */
export const processorApp = (topology: ReadModelName) => `processor-${topology}`
/** Application id of a service's subscriptions. */
export const inboxApp = (service: ServiceName) => `${service}.inbox`
/** Application id of the Elasticsearch sink. */
export const sinkApp = 'sink'
/** Consumer group of the Kafka Connect workers. */
export const connectGroup = 'tributary-connect'

/** The dead-letter topics' names, by application. */
export const deadLetterTopics: ReadonlyMap<string, string> = new Map(
  [...readModels.map(processorApp), ...subscribers.map(inboxApp), sinkApp].map((app) => [app, deadLettersOf(app).name]),
)

/** Every topic that isn't internal to one application. `tributary topics apply` creates them. */
export const topics: readonly Topic[] = [
  ...domainTopics,
  ...rowsTopics,
  ...[...deadLetterTopics.keys()].map(deadLettersOf),
]

/** Every contract that is registered: the events and the rows. */
export const contracts: readonly Contract<unknown>[] = [
  ...domainTopics.flatMap((topic) => Object.values(topic.events) as Contract<unknown>[]),
  ...rowsTopics.map((topic) => topic.row as Contract<unknown>),
]
