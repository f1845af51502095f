import type { Id, Instant } from 'tributary/contracts'
import type { OrderedItem, OrderRow } from '#schemas/contracts.generated.ts'

const DAY_MS = 86_400_000

/** What is known of an order, each part from its own service and any of them missing. */
export interface OrderParts {
  readonly order?:
    | {
        readonly customerId: Id<'customer'>
        readonly status: string
        readonly purchasedAt: Instant
        readonly approvedAt: Instant | null
        readonly estimatedAt: Instant | null
      }
    | undefined
  readonly customer?:
    | { readonly uniqueId: Id<'person'>; readonly city: string; readonly state: string; readonly zip: string }
    | undefined
  readonly items?: readonly (OrderedItem & { readonly category: string })[] | undefined
  readonly payments?:
    | readonly {
        readonly sequence: number
        readonly type: string
        readonly installments: number
        readonly cents: number
      }[]
    | undefined
  readonly shipments?:
    | {
        readonly count: number
        readonly delivered: number
        readonly shippedAt: Instant | null
        readonly deliveredAt: Instant | null
      }
    | undefined
  readonly review?: { readonly score: number } | undefined
}

/** The row of an order. Money in cents, times in ms; what isn't known is null. */
export function orderRow(orderId: Id<'order'>, parts: OrderParts): OrderRow {
  const { order, customer, items = [], payments = [], shipments, review } = parts
  const purchasedAt = order?.purchasedAt ?? null
  const estimatedAt = order?.estimatedAt ?? null
  // Delivered when every shipment is, at the latest known time; some deliveries are known without their time.
  const deliveredAt = shipments && shipments.delivered === shipments.count ? shipments.deliveredAt : null

  const itemsCents = total(items, (item) => item.priceCents)
  const freightCents = total(items, (item) => item.freightCents)
  const totalCents = exact(itemsCents + freightCents)
  const paidCents = total(payments, (payment) => payment.cents)

  return {
    orderId,
    status: order?.status ?? null,
    purchasedAt,
    approvedAt: order?.approvedAt ?? null,
    shippedAt: shipments?.shippedAt ?? null,
    deliveredAt,
    estimatedAt,
    customer: order
      ? {
          customerId: order.customerId,
          uniqueId: customer?.uniqueId ?? null,
          city: customer?.city ?? null,
          state: customer?.state ?? null,
          zip: customer?.zip ?? null,
        }
      : null,
    items: items.map(({ itemNo, productId, category, sellerId, priceCents, freightCents, shipBy }) => ({
      itemNo,
      productId,
      category,
      sellerId,
      priceCents,
      freightCents,
      shipBy,
    })),
    itemCount: items.length,
    itemsCents,
    freightCents,
    totalCents,
    payments,
    paidCents,
    balanceCents: exact(paidCents - totalCents),
    reviewScore: review?.score ?? null,
    late: deliveredAt === null || estimatedAt === null ? null : deliveredAt > estimatedAt,
    deliveryDays:
      deliveredAt === null || purchasedAt === null ? null : Math.floor((deliveredAt - purchasedAt) / DAY_MS),
  }
}

function total<T>(rows: readonly T[], of: (row: T) => number): number {
  let sum = 0
  for (const row of rows) sum += of(row)
  return exact(sum)
}

/** Avro's library writes whole numbers below this one wrong (those above up to 2^53 − 1 right). */
const LEAST_CENTS = -(2 ** 52)

/** Throws for cents that can't be counted, or not be written, exactly: such an order is refused, not written wrong. */
function exact(cents: number): number {
  if (Number.isSafeInteger(cents) && cents >= LEAST_CENTS) return cents
  throw new RangeError(`${cents} cents are more than can be counted exactly`)
}
