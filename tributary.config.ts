import { defineSystem } from 'tributary/system'
import { customersTopology } from '#processors/customers/topology.ts'
import { ordersTopology } from '#processors/orders/topology.ts'
import { salesTopology } from '#processors/sales/topology.ts'
import { sellersTopology } from '#processors/sellers/topology.ts'
import { simulatorCommands } from '#producers/simulator/cli.ts'
import { Catalog, Customers, Orders, Payments, Reviews, Shipping } from '#schemas/topics.ts'
import { customers, orders, sales, sellers } from '#sinks/read-models/index.ts'
import { reports } from '#sinks/reports/definitions.ts'
import { documents } from '#sinks/reports/documents.ts'
import { verification } from '#sinks/verify/verification.ts'

export default defineSystem({
  services: {
    customers: { publishes: Customers, load: () => import('#producers/customers/service.ts') },
    catalog: { publishes: Catalog, load: () => import('#producers/catalog/service.ts') },
    orders: {
      publishes: Orders,
      subscribesTo: [Payments, Shipping],
      load: () => import('#producers/orders/service.ts'),
    },
    payments: { publishes: Payments, subscribesTo: [Orders], load: () => import('#producers/payments/service.ts') },
    shipping: { publishes: Shipping, subscribesTo: [Orders], load: () => import('#producers/shipping/service.ts') },
    reviews: { publishes: Reviews, load: () => import('#producers/reviews/service.ts') },
  },
  topologies: [
    { topology: ordersTopology },
    { topology: salesTopology, paceMs: 200 },
    { topology: customersTopology, paceMs: 200 },
    { topology: sellersTopology, paceMs: 200 },
  ],
  readModels: [orders, sales, customers, sellers],
  verify: verification,
  reports,
  documents,
  currency: 'BRL',
  // 1,234.5 and 7 Aug 2018, 10:00
  language: 'en-IE',
  commands: simulatorCommands,
  demo: {
    command: ['simulate', '--orders', '200'],
    says: 'a small simulated marketplace',
    unless: { service: 'orders', table: 'orders' },
  },
})
