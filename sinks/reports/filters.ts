import type { Filter } from 'tributary/reports'

/** What every report can be narrowed by. */
export const filters: readonly Filter[] = [
  {
    kind: 'time',
    name: 'period',
    label: 'Period',
    words: 'period',
    fields: { orders: 'purchasedAt', sales: 'day', customers: 'lastOrderAt' },
  },
  {
    kind: 'choice',
    name: 'state',
    label: 'State',
    words: 'state',
    all: 'All states',
    format: 'words',
    fields: {
      // Where a customer isn't known, sales are of this state; the order itself has none.
      orders: { field: 'customer.state', absent: 'unknown' },
      sales: 'state',
      customers: 'states',
      sellers: 'state',
    },
    choices: { of: 'sales', most: 100 },
  },
  {
    kind: 'choice',
    name: 'category',
    label: 'Category',
    words: 'category',
    all: 'All categories',
    format: 'words',
    fields: { orders: 'items.category', sales: 'category' },
    choices: { of: 'sales', most: 500 },
  },
  {
    kind: 'choice',
    name: 'status',
    label: 'Status',
    words: 'status',
    all: 'Every status',
    format: 'words',
    fields: { orders: 'status' },
    choices: { of: 'orders', most: 20 },
  },
  {
    kind: 'check',
    name: 'differs',
    label: 'Paid ≠ charged',
    words: 'paid ≠ charged',
    where: { orders: { field: 'balanceCents', not: 0 } },
  },
]
