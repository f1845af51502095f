import { expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import system from '../../../tributary.config.ts'
import { republishService } from './republish.ts'

const options = { rate: 1, anew: false, say: () => {} }
const codec = memoryCodec(system.contracts)

test('a kind that there is none of is refused with those there are', async () => {
  const service = await system.loadService('catalog')
  const run = republishService(service, codec, { ...options, only: 'order' })
  await expect(run).rejects.toThrow('service "catalog" has no kind "order": there are product, seller, category')
})

test('a service that says of nothing how it is republished is told where to', async () => {
  const { republish: _, ...service } = await system.loadService('orders')
  const run = republishService(service, codec, { ...options, only: undefined })
  await expect(run).rejects.toThrow(/service "orders" doesn't say how it is republished: state "republish"/)
})

test('every service of the config says how each kind of thing it publishes is republished', async () => {
  for (const name of system.services) {
    const { publishes, republish = [] } = await system.loadService(name)
    const published = new Set([...publishes.byName.values()].map(({ aggregate }) => aggregate))
    expect(republish.map(({ kind }) => kind).toSorted(), name).toEqual([...published].toSorted())
  }
})
