import type { ServiceDefinition } from 'tributary/service'
import { ordersEvents } from './events.ts'
import { migrations } from './migrations.ts'
import { republish } from './republish.ts'
import { ordersRoutes } from './routes.ts'
import { ordersSubscriptions } from './subscriptions.ts'

export const service: ServiceDefinition = {
  name: 'orders',
  description: 'What was ordered, and where each order stands. Learns of payments and shipments.',
  migrations,
  publishes: ordersEvents,
  subscriptions: ordersSubscriptions,
  republish,
  routes: ordersRoutes,
}
