import { expect, test } from 'vitest'
import system from '#config'

test('the way to each read model follows from its topology', () => {
  const inputs = (readModel: string) => [...system.stages.find((stage) => stage.readModel === readModel)!.inputs].sort()
  expect(system.stages.map(({ readModel, group, output, hops }) => [readModel, group, output, hops])).toEqual([
    ['orders', 'processor-orders', 'orders.rows.1', 4],
    ['sales', 'processor-sales', 'sales.rows.1', 2],
    ['customers', 'processor-customers', 'customers.rows.1', 2],
    ['sellers', 'processor-sellers', 'sellers.rows.1', 2],
  ])
  expect(inputs('orders')).toEqual([...system.domainTopics.values()].map(({ name }) => name).sort())
  expect(inputs('sellers')).toEqual(['catalog.events', 'orders.rows.1'])
})

test('every service is what the definition says of it', async () => {
  for (const name of system.services) expect((await system.loadService(name)).name).toBe(name)
  expect([...system.subscriptions]).toEqual([
    ['orders.inbox', ['payments.events', 'shipping.events']],
    ['payments.inbox', ['orders.events']],
    ['shipping.inbox', ['orders.events']],
  ])
})
