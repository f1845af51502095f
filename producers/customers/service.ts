import type { ServiceDefinition } from 'tributary/service'
import { customersEvents } from './events.ts'
import { migrations } from './migrations.ts'
import { republish } from './republish.ts'
import { customersRoutes } from './routes.ts'

export const service: ServiceDefinition = {
  name: 'customers',
  description: 'Who buys: customer ids, the persons behind them, and where they live.',
  migrations,
  publishes: customersEvents,
  subscriptions: [],
  republish,
  routes: customersRoutes,
}
