import type { DocumentView } from 'tributary/reports'
import { days, late, stars, status } from './formats.ts'

const order: DocumentView = {
  readModel: 'orders',
  parameter: 'order',
  badges: [
    { field: 'status', format: status },
    { field: 'late', format: late },
    { field: 'deliveryDays', format: days, label: 'to deliver' },
    { field: 'reviewScore', format: stars },
  ],
  steps: {
    label: 'The life of the order',
    fields: ['purchasedAt', 'approvedAt', 'shippedAt', 'deliveredAt', 'estimatedAt'],
    planned: ['estimatedAt'],
  },
  sections: [
    {
      title: 'Customer',
      fields: ['customer.uniqueId', 'customer.customerId', 'customer.city', 'customer.state', 'customer.zip'],
    },
    { title: 'Sums', fields: ['itemsCents', 'freightCents', 'totalCents', 'paidCents', 'balanceCents'] },
  ],
  fields: {
    orderId: { hidden: true },
    itemCount: { hidden: true },
    purchasedAt: { label: 'Purchased' },
    approvedAt: { label: 'Approved' },
    shippedAt: { label: 'Shipped' },
    deliveredAt: { label: 'Delivered' },
    estimatedAt: { label: 'Estimated' },
    'customer.uniqueId': { label: 'Person', format: 'id', link: 'customers' },
    'customer.customerId': { label: 'Customer', format: 'id' },
    itemsCents: { label: 'Items', format: 'money' },
    freightCents: { label: 'Freight', format: 'money' },
    totalCents: { label: 'Total', format: 'money', emphasis: 'always' },
    paidCents: { label: 'Paid', format: 'money' },
    balanceCents: { label: 'Balance', format: 'money', emphasis: 'not-zero' },
    items: {
      none: 'No items.',
      columns: ['itemNo', 'productId', 'category', 'sellerId', 'shipBy', 'priceCents', 'freightCents'],
    },
    'items.itemNo': { label: 'No', format: 'text' },
    'items.productId': { label: 'Product', format: 'id' },
    'items.category': { format: 'words' },
    'items.sellerId': { label: 'Seller', format: 'id', link: 'sellers' },
    'items.priceCents': { label: 'Price', format: 'money' },
    'items.freightCents': { label: 'Freight', format: 'money' },
    payments: { none: 'No payments.' },
    'payments.sequence': { label: 'No', format: 'text' },
    'payments.type': { label: 'Means', format: 'words' },
    'payments.cents': { label: 'Amount', format: 'money' },
  },
}

const customer: DocumentView = {
  readModel: 'customers',
  parameter: 'customer',
  fields: {
    uniqueId: { hidden: true },
    spentCents: { label: 'Spent', format: 'money' },
    firstOrderAt: { label: 'First order' },
    lastOrderAt: { label: 'Last order' },
    averageScore: { format: stars },
  },
}

const seller: DocumentView = {
  readModel: 'sellers',
  parameter: 'seller',
  fields: {
    sellerId: { hidden: true },
    revenueCents: { label: 'Revenue', format: 'money' },
    freightCents: { label: 'Freight', format: 'money' },
    averageScore: { format: stars },
  },
}

const sale: DocumentView = {
  readModel: 'sales',
  fields: {
    category: { format: 'words' },
    revenueCents: { label: 'Revenue', format: 'money' },
    freightCents: { label: 'Freight', format: 'money' },
  },
}

/** How documents of the read models are shown. */
export const documents: readonly DocumentView[] = [order, customer, seller, sale]
