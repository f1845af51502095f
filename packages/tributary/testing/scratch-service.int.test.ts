import { afterAll, beforeAll, expect, test } from 'vitest'
import { event, tombstone } from './index.ts'
import { type ScratchService, scratchService } from './service.ts'
import { Boxes, boxes, Counts, counts } from './toy-services.ts'

let box: ScratchService
let count: ScratchService
beforeAll(async () => {
  box = await scratchService(boxes)
  count = await scratchService(counts)
})
afterAll(() => Promise.all([box?.stop(), count?.stop()]))

test('a request runs its command, and what it published can be read', async () => {
  const given = { boxId: 'b1', lid: null }
  expect(await box.post('/boxes', given)).toEqual({ status: 201, body: given })
  expect(await box.published()).toEqual([event(Boxes, 'BoxMade', 'b1', given)])
  expect(await box.get('/boxes/b1')).toEqual({ status: 200, body: given })
  expect(await box.db('boxes').select('box_id')).toEqual([{ box_id: 'b1' }])
})

test('what is refused changes nothing and publishes nothing', async () => {
  await box.post('/boxes', { boxId: 'b2', lid: 'red' })
  await box.published()
  expect(await box.post('/boxes', { boxId: 'b2', lid: 'blue' })).toMatchObject({
    status: 409,
    body: { code: 'box_exists' },
  })
  expect(await box.post('/boxes', { boxId: 1 })).toMatchObject({ status: 400 })
  expect(await box.published()).toEqual([])
})

test('a request with the same Idempotency-Key gets the first answer again', async () => {
  const options = { headers: { 'idempotency-key': 'once' } }
  const given = { boxId: 'b3', lid: null }
  await box.published()
  expect(await box.post('/boxes', given, options)).toMatchObject({ status: 201 })
  expect(await box.post('/boxes', given, options)).toMatchObject({ status: 201 })
  expect(await box.published()).toHaveLength(1)
})

test('two scratch services of the same kind know nothing of each other', async () => {
  await using other = await scratchService(boxes)
  await box.post('/boxes', { boxId: 'b4', lid: null })
  expect(await other.get('/boxes/b4')).toMatchObject({ status: 404 })
  expect(await other.published()).toEqual([])
})

test('an event is handled once, however often its record comes', async () => {
  const opened = event(Boxes, 'BoxOpened', 'b1', { boxId: 'b1', openedAt: 5 })
  expect(await count.deliver(opened)).toBe('handled')
  expect(await count.deliver(opened)).toBe('repeated')
  expect(await count.published()).toEqual([event(Counts, 'ManyOpened', 'all', { count: 1 })])
  // Another record that says the same.
  expect(await count.deliver({ ...opened })).toBe('handled')
  expect(await count.published()).toEqual([event(Counts, 'ManyOpened', 'all', { count: 2 })])
})

test('what nobody handles is passed over, and a handler may be told that an event is no news', async () => {
  expect(await count.deliver(event(Boxes, 'BoxMade', 'b1', { boxId: 'b1', lid: null }))).toBe('passed')
  expect(await count.deliver(tombstone(Boxes, 'b1'))).toBe('passed')
  const opened = event(Boxes, 'BoxOpened', 'b5', { boxId: 'b5', openedAt: 5 })
  expect(await count.deliver(opened, { republished: true })).toBe('handled')
  expect(await count.db('opened').where({ box_id: 'b5' })).toEqual([])
})

test('an event whose handler fails is set aside, with nothing done, and later ones of its key wait', async () => {
  const stuck = () => event(Boxes, 'BoxOpened', 'stuck', { boxId: 'stuck', openedAt: 5 })
  await count.published()
  expect(await count.deliver(stuck())).toBe('parked')
  expect(await count.deliver(stuck())).toBe('parked')
  expect(count.deadLetters).toEqual([
    { topic: 'boxes.events', key: 'stuck', reason: 'author-error', message: 'it is stuck' },
  ])
  expect(await count.published()).toEqual([])
})

test('a topic that a service does not subscribe to is refused', async () => {
  await expect(count.deliver(event(Counts, 'ManyOpened', 'all', { count: 1 }))).rejects.toThrow(
    `service "counts" doesn't subscribe to "counts.events"`,
  )
})
