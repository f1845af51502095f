import type { Api } from 'tributary/service'
import { z } from 'zod'
import {
  cents,
  customerId,
  instant,
  itemNo,
  list,
  ms,
  msOrNull,
  orderId,
  productId,
  sellerId,
} from '#schemas/values.ts'
import { approveOrder, cancelOrder, invoiceOrder, markUnavailable, placeOrder, processOrder } from './commands.ts'
import { findOrder } from './queries.ts'

const NewItem = z.strictObject({
  itemNo,
  productId,
  sellerId,
  priceCents: cents,
  freightCents: cents,
  shipBy: instant.nullable().default(null),
})
const NewOrder = z.strictObject({
  orderId,
  customerId,
  purchasedAt: instant,
  estimatedAt: instant.nullable().default(null),
  items: list('items', NewItem),
})
const params = z.object({ orderId })

export function ordersRoutes(api: Api): void {
  api.post('/orders', {
    summary: 'Place an order',
    body: NewOrder,
    status: 201,
    run: (trx, { body }) => placeOrder(trx, orderOf(body)),
  })
  api.post('/orders/:orderId/approve', {
    summary: 'The payment was accepted',
    params,
    body: z.strictObject({ approvedAt: instant.nullable() }),
    run: (trx, { params, body }) => approveOrder(trx, params.orderId, msOrNull(body.approvedAt)),
  })
  api.post('/orders/:orderId/invoice', {
    summary: 'The invoice was written',
    params,
    run: (trx, { params }) => invoiceOrder(trx, params.orderId),
  })
  api.post('/orders/:orderId/process', {
    summary: 'The sellers are at work on it',
    params,
    run: (trx, { params }) => processOrder(trx, params.orderId),
  })
  api.post('/orders/:orderId/cancel', {
    summary: 'Cancel: final',
    params,
    run: (trx, { params }) => cancelOrder(trx, params.orderId),
  })
  api.post('/orders/:orderId/unavailable', {
    summary: "It can't be fulfilled: final",
    params,
    run: (trx, { params }) => markUnavailable(trx, params.orderId),
  })
  api.get('/orders/:orderId', {
    summary: 'An order with items, what was paid, and its shipments',
    params,
    run: (db, { params }) => findOrder(db, params.orderId),
  })
}

function orderOf(body: z.output<typeof NewOrder>) {
  return {
    ...body,
    purchasedAt: ms(body.purchasedAt),
    estimatedAt: msOrNull(body.estimatedAt),
    items: body.items.map((item) => ({ ...item, shipBy: msOrNull(item.shipBy) })),
  }
}
