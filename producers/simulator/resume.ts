import type { Journal } from './journal.ts'
import { type Marketplace, type Order, shipmentsOf } from './marketplace.ts'
import type { Service } from './script.ts'
import type { Sender } from './send.ts'

/**
 * Makes sure that a journal speaks of the system at hand: databases that were emptied since, all or one, would
 * otherwise be missing what it says was played. Of the first and of the last order in it every service is asked for
 * its part; where one doesn't know, the journal is cleared. That is always safe: a command played again answers as it
 * did the first time.
 *
 * Asking the services instead of comparing an identity of the database server finds a single emptied database too,
 * and needs no login.
 * @returns how many orders of the marketplace needn't be played again
 */
export async function trustJournal(
  journal: Journal,
  market: Marketplace,
  sender: Pick<Sender, 'get'>,
): Promise<{ played: number; cleared: boolean }> {
  const byId = new Map(market.orders.map((order) => [order.orderId, order]))
  const entries = journal.entries()
  const played = entries.map((id) => byId.get(id)).filter((order) => order !== undefined)
  for (const order of new Set([played[0], played.at(-1)])) {
    if (order === undefined) continue
    for (const [service, path] of partsOf(order)) {
      if ((await sender.get(service, path)) !== undefined) continue
      journal.clear()
      return { played: 0, cleared: true }
    }
  }
  return { played: played.length, cleared: false }
}

/** Where each service shows its part of an order. */
function partsOf(order: Order): [Service, string][] {
  const parts: [Service, string][] = [
    ['orders', `/orders/${encodeURIComponent(order.orderId)}`],
    ['customers', `/customers/${encodeURIComponent(order.customerId)}`],
  ]
  const [item, payment, review, shipment] = [order.items[0], order.payments[0], order.reviews[0], shipmentsOf(order)[0]]
  if (item) parts.push(['catalog', `/products/${encodeURIComponent(item.productId)}`])
  if (payment) parts.push(['payments', `/payments/${encodeURIComponent(order.orderId)}/${payment.sequence}`])
  if (shipment) parts.push(['shipping', `/shipments/${encodeURIComponent(shipment.shipmentId)}`])
  if (review) {
    parts.push(['reviews', `/reviews/${encodeURIComponent(order.orderId)}/${encodeURIComponent(review.reviewId)}`])
  }
  return parts
}
