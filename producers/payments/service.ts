import type { ServiceDefinition } from 'tributary/service'
import { paymentsEvents } from './events.ts'
import { migrations } from './migrations.ts'
import { republish } from './republish.ts'
import { paymentsRoutes } from './routes.ts'
import { paymentsSubscriptions } from './subscriptions.ts'

export const service: ServiceDefinition = {
  name: 'payments',
  description: 'What was paid for which order. Learns which orders there are, and which were closed.',
  migrations,
  publishes: paymentsEvents,
  subscriptions: paymentsSubscriptions,
  republish,
  routes: paymentsRoutes,
}
