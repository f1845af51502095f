import {
  Catalog,
  CustomerRows,
  Customers,
  inboxApp,
  OrderRows,
  Orders,
  Payments,
  processorApp,
  type ReadModelName,
  Reviews,
  SalesRows,
  SellerRows,
  type ServiceName,
  Shipping,
} from '#schemas/topics.ts'

/** A processor on the way to a read model: what it reads and what it writes. Topics of its own are found by prefix. */
export interface Stage {
  readonly readModel: ReadModelName
  readonly group: string
  /** Domain topics, and rows topics of other read models. */
  readonly inputs: readonly string[]
  readonly output: string
  /** How often a change may cross to another partition, through the processor's own topics, until it is written. */
  readonly hops: number
}

const stage = (
  readModel: ReadModelName,
  inputs: readonly { name: string }[],
  output: { name: string },
  hops: number,
): Stage => ({
  readModel,
  group: processorApp(readModel),
  inputs: inputs.map(({ name }) => name),
  output: output.name,
  hops,
})

/** Every read model's processor. A test holds this against the topologies themselves. */
export const stages: readonly Stage[] = [
  stage('orders', [Orders, Customers, Catalog, Payments, Shipping, Reviews], OrderRows, 3),
  stage('sales', [OrderRows], SalesRows, 1),
  stage('customers', [OrderRows], CustomerRows, 1),
  stage('sellers', [Catalog, OrderRows], SellerRows, 1),
]

/** What services subscribe to, by consumer group: from it follow commits of their own. A test holds this, too. */
export const subscriptions: ReadonlyMap<string, readonly string[]> = new Map(
  (
    [
      ['orders', [Payments, Shipping]],
      ['payments', [Orders]],
      ['shipping', [Orders]],
    ] as const satisfies readonly (readonly [ServiceName, readonly { name: string }[]])[]
  ).map(([service, topics]) => [inboxApp(service), topics.map(({ name }) => name)]),
)
