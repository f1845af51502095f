import { event } from 'tributary/testing'
import { type ScratchService, scratchService } from 'tributary/testing/service'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Orders, Payments } from '#schemas/topics.ts'
import { service } from './service.ts'

let payments: ScratchService
beforeAll(async () => {
  payments = await scratchService(service)
})
afterAll(() => payments?.stop())

const placed = (orderId: string) =>
  event(Orders, 'OrderPlaced', orderId, { orderId, customerId: 'c', purchasedAt: 0, estimatedAt: null, items: [] })
const payment = { sequence: 1, type: 'boleto', installments: 1, cents: 100 }
const pay = (orderId: string) => payments.post('/payments', { orderId, ...payment })

test('an order is paid once it was heard of, and the payment is told of', async () => {
  expect(await pay('o1')).toMatchObject({ status: 409, body: { code: 'unknown_order', retryable: true } })
  expect(await payments.published()).toEqual([])
  await payments.deliver(placed('o1'))
  expect(await pay('o1')).toMatchObject({ status: 201 })
  expect(await payments.published()).toEqual([
    event(Payments, 'PaymentReceived', 'o1/1', { orderId: 'o1', ...payment }),
  ])
})

test.each(['OrderCanceled', 'OrderUnavailable'] as const)('after %s an order takes no payments', async (name) => {
  await payments.deliver(placed(name))
  expect(await payments.deliver(event(Orders, name, name, { orderId: name }))).toBe('handled')
  expect(await pay(name)).toMatchObject({ status: 409, body: { code: 'order_closed', retryable: false } })
})

test('an order that is told of again stays closed', async () => {
  await payments.deliver(placed('o2'))
  await payments.deliver(event(Orders, 'OrderCanceled', 'o2', { orderId: 'o2' }))
  expect(await payments.deliver(placed('o2'), { republished: true })).toBe('handled')
  expect(await pay('o2')).toMatchObject({ status: 409 })
})
