import type { Panel, Report } from 'tributary/reports'
import { filters } from './filters.ts'
import { days, stars } from './formats.ts'
import { orderList } from './order-list.ts'

const ordersByStatus: Panel = {
  id: 'orders-by-status',
  title: 'Orders by status',
  readModel: 'orders',
  measure: { kind: 'documents' },
  format: 'number',
  by: { kind: 'terms', field: 'status', format: 'words' },
  drill: 'status',
}

const sales: Report = {
  id: 'sales',
  title: 'Sales',
  filters,
  list: orderList,
  panels: [
    {
      id: 'revenue',
      title: 'Revenue',
      readModel: 'sales',
      measure: { kind: 'sum', field: 'revenueCents' },
      format: 'money',
      note: 'Prices without freight; canceled and unavailable orders don’t count.',
    },
    { id: 'orders', title: 'Orders', readModel: 'orders', measure: { kind: 'documents' }, format: 'number' },
    {
      id: 'order-value',
      title: 'Average order',
      readModel: 'orders',
      measure: { kind: 'average', field: 'totalCents' },
      format: 'money',
      note: 'Items and freight.',
    },
    {
      id: 'score',
      title: 'Average score',
      readModel: 'orders',
      measure: { kind: 'average', field: 'reviewScore' },
      format: stars,
    },
    {
      id: 'revenue-by-day',
      title: 'Revenue by day',
      readModel: 'sales',
      measure: { kind: 'sum', field: 'revenueCents' },
      format: 'money',
      by: { kind: 'time', field: 'day' },
      drill: 'period',
    },
    ordersByStatus,
    {
      id: 'revenue-by-state',
      title: 'Revenue by state',
      readModel: 'sales',
      measure: { kind: 'sum', field: 'revenueCents' },
      format: 'money',
      by: { kind: 'terms', field: 'state', size: 10 },
      drill: 'state',
    },
    {
      id: 'revenue-by-category',
      title: 'Revenue by category',
      readModel: 'sales',
      measure: { kind: 'sum', field: 'revenueCents' },
      format: 'money',
      by: { kind: 'terms', field: 'category', format: 'words', size: 10 },
      drill: 'category',
    },
  ],
}

const delivery: Report = {
  id: 'delivery',
  title: 'Delivery',
  filters,
  list: orderList,
  panels: [
    {
      id: 'late-share',
      title: 'Delivered late',
      readModel: 'orders',
      measure: { kind: 'share', where: { field: 'late', is: true }, of: { field: 'late', known: true } },
      format: 'percent',
      note: 'Of the orders whose delivery is known.',
    },
    {
      id: 'delivery-days',
      title: 'Days to deliver',
      readModel: 'orders',
      measure: { kind: 'average', field: 'deliveryDays' },
      format: days,
    },
    {
      id: 'delivered',
      title: 'Delivered orders',
      readModel: 'orders',
      measure: { kind: 'documents' },
      format: 'number',
      only: [{ field: 'deliveredAt', known: true }],
    },
    {
      id: 'days-over-time',
      title: 'Days to deliver, by day of purchase',
      readModel: 'orders',
      measure: { kind: 'average', field: 'deliveryDays' },
      format: days,
      by: { kind: 'time', field: 'purchasedAt' },
      drill: 'period',
    },
    ordersByStatus,
    {
      id: 'late-by-state',
      title: 'Delivered late, by state',
      readModel: 'orders',
      measure: { kind: 'share', where: { field: 'late', is: true }, of: { field: 'late', known: true } },
      format: 'percent',
      by: { kind: 'terms', field: 'customer.state', size: 10 },
      drill: 'state',
      note: 'The states with the most orders.',
    },
    {
      id: 'late-by-seller',
      title: 'Late orders, by seller',
      readModel: 'sellers',
      measure: { kind: 'sum', field: 'lateOrders' },
      format: 'number',
      by: { kind: 'terms', field: 'sellerId', size: 10 },
    },
  ],
}

const payments: Report = {
  id: 'payments',
  title: 'Payments',
  filters,
  list: orderList,
  panels: [
    { id: 'paid', title: 'Paid', readModel: 'orders', measure: { kind: 'sum', field: 'paidCents' }, format: 'money' },
    {
      id: 'charged',
      title: 'Charged',
      readModel: 'orders',
      measure: { kind: 'sum', field: 'totalCents' },
      format: 'money',
      note: 'Items and freight of all orders, canceled ones too.',
    },
    {
      id: 'balance',
      title: 'Paid minus charged',
      readModel: 'orders',
      measure: { kind: 'sum', field: 'balanceCents' },
      format: 'money',
    },
    {
      id: 'differing',
      title: 'Orders that differ',
      readModel: 'orders',
      measure: { kind: 'documents' },
      format: 'number',
      only: [{ field: 'balanceCents', not: 0 }],
    },
    {
      id: 'paid-by-day',
      title: 'Paid, by day of purchase',
      readModel: 'orders',
      measure: { kind: 'sum', field: 'paidCents' },
      format: 'money',
      by: { kind: 'time', field: 'purchasedAt' },
      drill: 'period',
    },
    {
      id: 'paid-by-type',
      title: 'Paid, by means',
      readModel: 'orders',
      measure: { kind: 'sum', field: 'payments.cents' },
      format: 'money',
      by: { kind: 'terms', field: 'payments.type', format: 'words' },
    },
    {
      id: 'differing-by-status',
      title: 'Orders that differ, by status',
      readModel: 'orders',
      measure: { kind: 'documents' },
      format: 'number',
      only: [{ field: 'balanceCents', not: 0 }],
      by: { kind: 'terms', field: 'status', format: 'words' },
      drill: 'status',
    },
  ],
}

const customers: Report = {
  id: 'customers',
  title: 'Customers',
  filters,
  list: orderList,
  panels: [
    { id: 'people', title: 'Customers', readModel: 'customers', measure: { kind: 'documents' }, format: 'number' },
    {
      id: 'repeat',
      title: 'Came back',
      readModel: 'customers',
      measure: { kind: 'share', where: { field: 'orders', atLeast: 2 } },
      format: 'percent',
      note: 'People with two orders or more.',
    },
    {
      id: 'spent',
      title: 'Average value',
      readModel: 'customers',
      measure: { kind: 'average', field: 'spentCents' },
      format: 'money',
    },
    {
      id: 'customers-by-day',
      title: 'Customers, by day of their last order',
      readModel: 'customers',
      measure: { kind: 'documents' },
      format: 'number',
      by: { kind: 'time', field: 'lastOrderAt' },
      drill: 'period',
    },
    {
      id: 'customers-by-state',
      title: 'Customers by state',
      readModel: 'customers',
      measure: { kind: 'documents' },
      format: 'number',
      by: { kind: 'terms', field: 'states', size: 10 },
      drill: 'state',
    },
    {
      id: 'customers-by-orders',
      title: 'Customers by number of orders',
      readModel: 'customers',
      measure: { kind: 'documents' },
      format: 'number',
      by: { kind: 'terms', field: 'orders', size: 10 },
    },
  ],
}

/** Every report, in the order of the page's tabs. */
export const reports: readonly Report[] = [sales, delivery, payments, customers]
