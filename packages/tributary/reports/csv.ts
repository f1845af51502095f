import type { Document } from '#read-models/document'

/** The columns of the list as CSV: name, and where it stands in a document. Money is in units, with two decimals. */
const COLUMNS: readonly (readonly [string, (order: Document) => unknown])[] = [
  ['order', (o) => o.orderId],
  ['status', (o) => o.status],
  ['purchased', (o) => o.purchasedAt],
  ['approved', (o) => o.approvedAt],
  ['shipped', (o) => o.shippedAt],
  ['delivered', (o) => o.deliveredAt],
  ['estimated', (o) => o.estimatedAt],
  ['customer', (o) => (o.customer as Document | undefined)?.uniqueId],
  ['city', (o) => (o.customer as Document | undefined)?.city],
  ['state', (o) => (o.customer as Document | undefined)?.state],
  ['items', (o) => o.itemCount],
  ['items total', (o) => money(o.itemsCents)],
  ['freight', (o) => money(o.freightCents)],
  ['total', (o) => money(o.totalCents)],
  ['paid', (o) => money(o.paidCents)],
  ['balance', (o) => money(o.balanceCents)],
  ['score', (o) => o.reviewScore],
  ['late', (o) => o.late],
  ['days to deliver', (o) => o.deliveryDays],
]

/** The first line of the file. */
export const csvHead = `${COLUMNS.map(([name]) => cell(name)).join(',')}\r\n`

/** One order's line (RFC 4180). */
export function csvLine(order: Document): string {
  return `${COLUMNS.map(([, read]) => cell(read(order))).join(',')}\r\n`
}

function money(cents: unknown): string | undefined {
  return typeof cents === 'number' ? (cents / 100).toFixed(2) : undefined
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  // Text that a spreadsheet would run as a formula is kept text; numbers may be negative.
  const text = typeof value === 'string' && /^[=@\t\r]|^[+-](?!\d+(\.\d+)?$)/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
