import type { DocumentList } from 'tributary/reports'
import { late, stars, status } from './formats.ts'

/** The orders behind every report's figures. */
export const orderList: DocumentList = {
  title: 'Orders',
  readModel: 'orders',
  key: ['orderId'],
  columns: [
    { field: 'orderId', label: 'Order', format: 'id' },
    { field: 'purchasedAt', label: 'Purchased' },
    { field: 'customer.city', label: 'Customer', also: [{ field: 'customer.state' }] },
    { field: 'itemCount', label: 'Items', onPhone: 'hidden' },
    { field: 'totalCents', label: 'Total', format: 'money', onPhone: 'right' },
    { field: 'paidCents', label: 'Paid', format: 'money', onPhone: 'hidden' },
    { field: 'reviewScore', label: 'Score', format: stars, onPhone: 'right' },
    { field: 'status', label: 'Status', format: status, also: [{ field: 'late', format: late }], onPhone: 'right' },
  ],
  sorts: [
    { id: 'newest', label: 'Newest first', field: 'purchasedAt', order: 'desc', back: '← Newer', next: 'Older →' },
    { id: 'oldest', label: 'Oldest first', field: 'purchasedAt', order: 'asc', back: '← Older', next: 'Newer →' },
    { id: 'largest', label: 'Largest first', field: 'totalCents', order: 'desc' },
  ],
  search: {
    placeholder: 'Order, customer, city, product, seller …',
    fields: [
      'orderId',
      'customer.customerId',
      'customer.uniqueId',
      'customer.city',
      'customer.zip',
      'items.productId',
      'items.sellerId',
      'items.category',
      'payments.type',
    ],
    // `paulo` finds `são paulo`.
    texts: ['customer.city.words'],
    exact: ['status', 'customer.state'],
  },
  none: 'No order fits. Try fewer words or clear the filters.',
  csv: [
    { field: 'orderId', label: 'order' },
    { field: 'status', label: 'status' },
    { field: 'purchasedAt', label: 'purchased' },
    { field: 'approvedAt', label: 'approved' },
    { field: 'shippedAt', label: 'shipped' },
    { field: 'deliveredAt', label: 'delivered' },
    { field: 'estimatedAt', label: 'estimated' },
    { field: 'customer.uniqueId', label: 'customer' },
    { field: 'customer.city', label: 'city' },
    { field: 'customer.state', label: 'state' },
    { field: 'itemCount', label: 'items' },
    { field: 'itemsCents', label: 'items total', format: 'money' },
    { field: 'freightCents', label: 'freight', format: 'money' },
    { field: 'totalCents', label: 'total', format: 'money' },
    { field: 'paidCents', label: 'paid', format: 'money' },
    { field: 'balanceCents', label: 'balance', format: 'money' },
    { field: 'reviewScore', label: 'score' },
    { field: 'late', label: 'late' },
    { field: 'deliveryDays', label: 'days to deliver' },
  ],
}
