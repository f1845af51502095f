import type { ServiceName } from '#schemas/topics.ts'
import type { ServiceDefinition } from './service/definition.ts'

export type { ServiceDefinition } from './service/definition.ts'

const definitions: Readonly<Record<ServiceName, () => Promise<{ readonly service: ServiceDefinition }>>> = {
  customers: () => import('./customers/service.ts'),
  catalog: () => import('./catalog/service.ts'),
  orders: () => import('./orders/service.ts'),
  payments: () => import('./payments/service.ts'),
  shipping: () => import('./shipping/service.ts'),
  reviews: () => import('./reviews/service.ts'),
}

/** What a service consists of; loads only this one's code. */
export async function loadService(name: ServiceName): Promise<ServiceDefinition> {
  return (await definitions[name]()).service
}
