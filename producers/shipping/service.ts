import type { ServiceDefinition } from 'tributary/service'
import { shippingEvents } from './events.ts'
import { migrations } from './migrations.ts'
import { republish } from './republish.ts'
import { shippingRoutes } from './routes.ts'
import { shippingSubscriptions } from './subscriptions.ts'

export const service: ServiceDefinition = {
  name: 'shipping',
  description: 'What is on its way: one shipment per order and seller. Learns which orders there are.',
  migrations,
  publishes: shippingEvents,
  subscriptions: shippingSubscriptions,
  republish,
  routes: shippingRoutes,
}
