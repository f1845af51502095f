import { equalsSql } from 'tributary/testing/sql'
import { test } from 'vitest'
import { customersTopology } from '#processors/customers/topology.ts'
import { ordersTopology } from '#processors/orders/topology.ts'
import { salesTopology } from '#processors/sales/topology.ts'
import { sellersTopology } from '#processors/sellers/topology.ts'
import { service as catalog } from '#producers/catalog/service.ts'
import { service as customers } from '#producers/customers/service.ts'
import { service as orders } from '#producers/orders/service.ts'
import { service as payments } from '#producers/payments/service.ts'
import { service as reviews } from '#producers/reviews/service.ts'
import { service as shipping } from '#producers/shipping/service.ts'
import { verification } from './verification.ts'

/** The event of its key that each follows on; undefined: it is the first. */
const placed = ['OrderPlaced', 'OrderApproved', 'OrderInvoiced', 'OrderProcessing', 'OrderShipped', 'OrderDelivered']
const after: Readonly<Record<string, readonly (string | undefined)[]>> = {
  CustomerRegistered: [undefined],
  CustomerMoved: ['CustomerRegistered', 'CustomerMoved'],
  ProductListed: [undefined],
  ProductCategorised: ['ProductListed', 'ProductCategorised'],
  SellerJoined: [undefined],
  SellerMoved: ['SellerJoined', 'SellerMoved'],
  CategoryTranslated: [undefined, 'CategoryTranslated'],
  OrderPlaced: [undefined],
  OrderApproved: placed,
  OrderInvoiced: placed,
  OrderProcessing: placed,
  OrderShipped: placed,
  OrderDelivered: placed,
  OrderCanceled: placed,
  OrderUnavailable: placed,
  PaymentReceived: [undefined, 'PaymentReversed'],
  PaymentReversed: ['PaymentReceived'],
  ShipmentPrepared: [undefined],
  ShipmentShipped: ['ShipmentPrepared'],
  ShipmentDelivered: ['ShipmentShipped'],
  ReviewWritten: [undefined, 'ReviewWithdrawn'],
  ReviewAnswered: ['ReviewWritten', 'ReviewAnswered'],
  ReviewWithdrawn: ['ReviewWritten', 'ReviewAnswered'],
}

interface Data {
  readonly orderId?: string
  readonly sellerId?: string | null
  readonly items?: readonly { readonly itemNo: number }[]
}

/** The last of several events that say where somebody lives or what something is. */
const latest = (first: string, later: string, columns: string) => `
  lateral (
    select ${columns}, seq from "${later}" later where later.key = ${first}.key
    union all select ${columns
      .split(', ')
      .map((column) => `${first}.${column}`)
      .join(', ')}, ${first}.seq
    order by seq desc limit 1
  ) latest`

const turns = ['Approved', 'Invoiced', 'Processing', 'Shipped', 'Delivered', 'Canceled', 'Unavailable']

/** What the services' tables hold once these events happened. */
const tables = {
  customers: `select "customerId", "uniqueId", latest.zip, latest.city, latest.state
    from "CustomerRegistered" first, ${latest('first', 'CustomerMoved', 'zip, city, state')}`,
  products: `select "productId", latest.category
    from "ProductListed" first, ${latest('first', 'ProductCategorised', 'category')}`,
  sellers: `select "sellerId", latest.city, latest.state
    from "SellerJoined" first, ${latest('first', 'SellerMoved', 'city, state')}`,
  category_translations: `
    select distinct on (key) category, english from "CategoryTranslated" order by key, seq desc`,
  orders: `
    select "orderId", "customerId", coalesce(status, 'created'), "purchasedAt", "approvedAt", "estimatedAt"
    from "OrderPlaced"
    left join (
      select distinct on (key) key, status
      from (${turns.map((turn) => `select key, seq, '${turn.toLowerCase()}' as status from "Order${turn}"`).join(' union all ')}) turn
      order by key, seq desc
    ) turned using (key)
    left join (select distinct on (key) key, "approvedAt" from "OrderApproved" order by key, seq desc) approved using (key)`,
  items: `select "orderId", item.* from "OrderPlaced", jsonb_to_recordset(items) as item (
    "itemNo" int, "productId" text, "sellerId" text, "priceCents" bigint, "freightCents" bigint, "shipBy" timestamptz)`,
  payments: `select "orderId", sequence, type, installments, cents from "PaymentReceived" received
    where not exists (select from "PaymentReversed" r where r.key = received.key and r.seq > received.seq)`,
  shipments: `
    select prepared."shipmentId", prepared."orderId",
      case when delivered.key is not null then 'delivered' when shipped.key is not null then 'shipped' else 'prepared' end,
      "shippedAt", "deliveredAt"
    from "ShipmentPrepared" prepared
    left join "ShipmentShipped" shipped using (key)
    left join "ShipmentDelivered" delivered using (key)`,
  reviews: `
    select "orderId", "reviewId", score, "createdAt", answered."answeredAt" from "ReviewWritten" written
    left join lateral (
      select "answeredAt" from "ReviewAnswered" a where a.key = written.key and a.seq > written.seq
      order by seq desc limit 1
    ) answered on true
    where not exists (select from "ReviewWithdrawn" w where w.key = written.key and w.seq > written.seq)`,
}

test(
  'what the topologies make of everything that services publish is what the SQL of `verify` makes of their rows',
  async () => {
    await equalsSql([ordersTopology, salesTopology, customersTopology, sellersTopology], {
      services: [customers, catalog, orders, payments, shipping, reviews],
      verification,
      tables,
      possible(earlier, { name, data }) {
        if (!after[name]!.includes(earlier.at(-1)?.name)) return false
        const said = data as Data
        // An item has its number for itself, and a shipment stays one of the same order.
        if (said.items) return { ...said, items: said.items.map((item, i) => ({ ...item, itemNo: i + 1 })) }
        const { orderId, sellerId } = (earlier[0]?.data ?? said) as Data
        return name.startsWith('Shipment') ? { ...said, orderId, sellerId } : true
      },
      // A tie of an order's reviews, or an order that is gone for good, decides in one history of some fifty.
      runs: Number(process.env.LAW_RUNS ?? 200),
    })
  },
  10 * 60_000,
)
