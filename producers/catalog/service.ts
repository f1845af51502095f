import type { ServiceDefinition } from 'tributary/service'
import { catalogEvents } from './events.ts'
import { migrations } from './migrations.ts'
import { republish } from './republish.ts'
import { catalogRoutes } from './routes.ts'

export const service: ServiceDefinition = {
  name: 'catalog',
  description: 'What is sold and by whom: products, sellers, and the English names of categories.',
  migrations,
  publishes: catalogEvents,
  subscriptions: [],
  republish,
  routes: catalogRoutes,
}
