import type { ServiceDefinition } from 'tributary/service'
import { reviewsEvents } from './events.ts'
import { migrations } from './migrations.ts'
import { republish } from './republish.ts'
import { reviewsRoutes } from './routes.ts'

export const service: ServiceDefinition = {
  name: 'reviews',
  description: 'What customers say of their orders.',
  migrations,
  publishes: reviewsEvents,
  subscriptions: [],
  republish,
  routes: reviewsRoutes,
}
