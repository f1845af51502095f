import type { Contract } from 'tributary/contracts'
import { deadLettersOf, eventsTopic, inboxApp, processorApp, rowsTopic, sinkApp, type Topic } from 'tributary/contracts'
import * as c from './contracts.generated.ts'
import { categoryKey, paymentKey, productKey, reviewKey, salesKey, sellerKey } from './keys.ts'

/** The services that own a database and publish events. */
export const services = ['customers', 'catalog', 'orders', 'payments', 'shipping', 'reviews'] as const
export type ServiceName = (typeof services)[number]

export const Customers = eventsTopic(
  'customers',
  {
    CustomerRegistered: c.CustomerRegistered,
    CustomerMoved: c.CustomerMoved,
  },
  { key: (event) => event.customerId },
)
export const Catalog = eventsTopic(
  'catalog',
  {
    ProductListed: c.ProductListed,
    ProductCategorised: c.ProductCategorised,
    SellerJoined: c.SellerJoined,
    SellerMoved: c.SellerMoved,
    CategoryTranslated: c.CategoryTranslated,
  },
  {
    key: {
      ProductListed: ({ productId }) => productKey(productId),
      ProductCategorised: ({ productId }) => productKey(productId),
      SellerJoined: ({ sellerId }) => sellerKey(sellerId),
      SellerMoved: ({ sellerId }) => sellerKey(sellerId),
      CategoryTranslated: ({ category }) => categoryKey(category),
    },
  },
)
export const Orders = eventsTopic(
  'orders',
  {
    OrderPlaced: c.OrderPlaced,
    OrderApproved: c.OrderApproved,
    OrderInvoiced: c.OrderInvoiced,
    OrderProcessing: c.OrderProcessing,
    OrderShipped: c.OrderShipped,
    OrderDelivered: c.OrderDelivered,
    OrderCanceled: c.OrderCanceled,
    OrderUnavailable: c.OrderUnavailable,
  },
  { key: (event) => event.orderId },
)
export const Payments = eventsTopic(
  'payments',
  {
    PaymentReceived: c.PaymentReceived,
    PaymentReversed: c.PaymentReversed,
  },
  { key: ({ orderId, sequence }) => paymentKey(orderId, sequence) },
)
export const Shipping = eventsTopic(
  'shipping',
  {
    ShipmentPrepared: c.ShipmentPrepared,
    ShipmentShipped: c.ShipmentShipped,
    ShipmentDelivered: c.ShipmentDelivered,
  },
  { key: (event) => event.shipmentId },
)
export const Reviews = eventsTopic(
  'reviews',
  {
    ReviewWritten: c.ReviewWritten,
    ReviewAnswered: c.ReviewAnswered,
    ReviewWithdrawn: c.ReviewWithdrawn,
  },
  { key: ({ orderId, reviewId }) => reviewKey(orderId, reviewId) },
)

export const OrderRows = rowsTopic('orders', c.OrderRow, { key: (row) => row.orderId })
export const SalesRows = rowsTopic('sales', c.SalesRow, { key: salesKey })
export const CustomerRows = rowsTopic('customers', c.CustomerRow, { key: (row) => row.uniqueId })
export const SellerRows = rowsTopic('sellers', c.SellerRow, { key: (row) => row.sellerId })

export const domainTopics = [Customers, Catalog, Orders, Payments, Shipping, Reviews] as const
export const rowsTopics = [OrderRows, SalesRows, CustomerRows, SellerRows] as const

/** The read models, each kept by a topology of the same name. */
export const readModels = ['orders', 'sales', 'customers', 'sellers'] as const
export type ReadModelName = (typeof readModels)[number]

/** The services that subscribe to others' topics. */
export const subscribers = ['orders', 'payments', 'shipping'] as const

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
