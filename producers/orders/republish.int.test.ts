import { once } from 'node:events'
import type { Knex } from 'knex'
import { waitUntil } from 'tributary/testing'
import { connectStack } from 'tributary/testing/stack'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Codec, openCodec } from '../../packages/tributary/contracts/codec.ts'
import { registerSchemas } from '../../packages/tributary/contracts/register.ts'
import { withOutbox } from '../../packages/tributary/outbox/outbox.ts'
import { republish as run } from '../../packages/tributary/outbox/republish.ts'
import { Refusal } from '../../packages/tributary/service/refusal.ts'
import { type Databases, openDatabases } from '../../tests/harness/databases.ts'
import { contracts } from '../../tests/harness/marketplace.ts'
import { approveOrder, cancelOrder, invoiceOrder, placeOrder } from './commands.ts'
import { ordersEvents } from './events.ts'
import { republish } from './republish.ts'

const ORDERS = 10_000
const stack = connectStack()
let databases: Databases
let superuser: Knex
let codec: Codec
/** As the service itself: the traffic. */
let db: Knex

beforeAll(async () => {
  databases = await openDatabases()
  await registerSchemas(stack.env.REGISTRY_URL!, contracts)
  codec = await openCodec({ registry: stack.env.REGISTRY_URL!, contracts })
  await codec.prepare(contracts)
  superuser = databases.superuser('orders')
  db = await withOutbox(databases.as('orders', stack.env.ORDERS_DB_PASSWORD!, 'orders'), codec, ordersEvents)
})
afterAll(() => databases[Symbol.asyncDispose]())

/** A database that was there before there was an outbox. */
beforeEach(async () => {
  await superuser.raw('truncate orders, items, outbox, outbox_republish')
})
const adopt = (count: number) =>
  superuser.raw(
    `with placed as (
       insert into orders (order_id, customer_id, status, purchased_at, approved_at, estimated_at)
       select 'old-' || i, 'c' || i % 97, (array['created', 'approved', 'invoiced', 'processing', 'shipped', 'delivered',
              'canceled', 'unavailable'])[i % 8 + 1],
              timestamptz '2018-01-01' + i * interval '1 minute',
              case when i % 8 between 1 and 5 and i % 3 > 0 then timestamptz '2018-01-02' + i * interval '1 minute' end,
              case when i % 5 > 0 then timestamptz '2018-02-01' + i * interval '1 minute' end
       from generate_series(1, ?::int) as i returning order_id
     )
     insert into items (order_id, item_no, product_id, seller_id, price_cents, freight_cents, ship_by)
     select order_id, n, 'p' || n, 's' || n, n * 100, n, case when n = 1 then timestamptz '2018-01-05' end
     from placed, generate_series(1, 1 + length(order_id) % 3) as n`,
    [count],
  )

interface State {
  status: string
  customerId: string
  purchasedAt: number
  approvedAt: number | null
  estimatedAt: number | null
  items: unknown[]
}
type Row = { type: string; aggregateid: string; payload: Buffer; republished: string }
const eventsInOrder = async (): Promise<Row[]> => superuser('outbox').orderBy('seq')
const shortName = ({ type }: Row) => type.split('.').at(-1)!

/** What somebody knows who has nothing but the events. */
function fold(events: readonly Row[]): Map<string, State> {
  const orders = new Map<string, State>()
  for (const event of events) {
    const value = codec.decode(event.payload).value as State & { orderId: string }
    const name = shortName(event)
    const order = orders.get(event.aggregateid)
    if (name === 'OrderPlaced') {
      const { orderId, ...placed } = value
      orders.set(orderId, { ...placed, status: 'created', approvedAt: null })
    } else if (!order) {
      // Told of before anybody told of the order: as in any topology, it comes to nothing yet.
    } else if (name === 'OrderApproved') Object.assign(order, { status: 'approved', approvedAt: value.approvedAt })
    else order.status = name.slice('Order'.length).toLowerCase()
  }
  return orders
}

/** What is true. */
async function inDatabase(): Promise<Map<string, State>> {
  const ms = (at: Date | null) => (at === null ? null : at.getTime())
  const items = Map.groupBy(await superuser('items').orderBy(['order_id', 'item_no']), (item) => item.order_id)
  return new Map(
    (await superuser('orders')).map((order) => [
      order.order_id,
      {
        status: order.status,
        customerId: order.customer_id,
        purchasedAt: ms(order.purchased_at)!,
        approvedAt: ms(order.approved_at),
        estimatedAt: ms(order.estimated_at),
        items: (items.get(order.order_id) ?? []).map((item) => ({
          itemNo: item.item_no,
          productId: item.product_id,
          sellerId: item.seller_id,
          priceCents: item.price_cents,
          freightCents: item.freight_cents,
          shipBy: ms(item.ship_by),
        })),
      },
    ]),
  )
}

/** Commands on orders old and new until it is told to end; gives how many came through. */
async function traffic(ended: () => boolean): Promise<number> {
  let done = 0
  for (let i = 1; !ended(); i++) {
    const old = `old-${((i * 7_919) % ORDERS) + 1}`
    const item = { itemNo: 1, productId: 'p', sellerId: 's', priceCents: 1, freightCents: 1, shipBy: null }
    const commands = [
      (trx: Knex.Transaction) => approveOrder(trx, old, i),
      (trx: Knex.Transaction) => invoiceOrder(trx, old),
      (trx: Knex.Transaction) => cancelOrder(trx, old),
      (trx: Knex.Transaction) =>
        placeOrder(trx, { orderId: `m${i}`, customerId: 'c', purchasedAt: i, estimatedAt: null, items: [item] }),
    ]
    await db.transaction(commands[i % commands.length]!).then(
      () => done++,
      (error) => {
        // Not legal from where that order stands.
        if (!(error instanceof Refusal)) throw error
      },
    )
  }
  return done
}

const progress = async () => superuser('outbox_republish').where({ kind: 'order' }).first()

test('a database that never had an outbox is adopted under traffic, killed in between: its events make its state', async () => {
  await adopt(ORDERS)
  let ended = false
  const commands = traffic(() => ended)

  const first = stack.start(['republish', 'orders', '--rate', '2000'])
  await waitUntil('some orders are published', async () => (await progress())?.done >= 1_000, { timeoutMs: 60_000 })
  first.kill('SIGKILL')
  await once(first, 'exit')
  const { done } = await progress()
  expect(done).toBeLessThan(ORDERS)

  const again = await stack.tributary(['republish', 'orders', '--rate', '2000'])
  ended = true
  expect(again.code, again.stderr).toBe(0)
  expect(again.stderr).toMatch(/orders: order: goes on behind "old-\d+", \d+ of about 10\d{3} published/)
  expect(again.stdout).toMatch(/orders: 1\d{4} of kind order published again/)
  expect(await commands).toBeGreaterThan(50)

  const events = await eventsInOrder()
  expect(fold(events)).toEqual(await inDatabase())
  // Once each, whatever was killed, and marked; the news are not.
  const placed = events.filter((event) => shortName(event) === 'OrderPlaced')
  const republished = placed.filter((event) => event.republished === 'true').map((event) => event.aggregateid)
  expect(new Set(republished).size).toBe(republished.length)
  expect(republished.filter((key) => key.startsWith('old-'))).toHaveLength(ORDERS)
  expect(
    placed.filter((event) => event.republished === 'false').every(({ aggregateid }) => /^m/.test(aggregateid)),
  ).toBe(true)
}, 180_000)

const options = { rate: 10_000, anew: false, say: () => {} }
const marked = () =>
  withOutbox(databases.as('orders', stack.env.ORDERS_DB_PASSWORD!, 'orders'), codec, ordersEvents, {
    republished: true,
  })

test('what a transaction writes that was open before is in what is published behind it', async () => {
  await adopt(300)
  const open = await db.transaction()
  await cancelOrder(open, 'old-152')
  const running = run(await marked(), republish[0]!, options)
  // In the order of keys, as texts, the locked one comes early: the run gets to it and waits.
  await waitUntil('the run waits for the lock', async () => {
    const { rows } = await superuser.raw(
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%for share%' and datname = 'orders'`,
    )
    return rows.length > 0
  })
  await open.commit()
  expect(await running).toBe(300)
  const events = await eventsInOrder()
  expect(fold(events)).toEqual(await inDatabase())
  expect(events.filter(({ aggregateid }) => aggregateid === 'old-152').map(shortName)[0]).toBe('OrderCanceled')
})

test('of two runs at once one ends and says why, and nothing is published twice', async () => {
  await adopt(2_000)
  const both = await Promise.allSettled([
    run(await marked(), republish[0]!, options),
    run(await marked(), republish[0]!, options),
  ])
  const failed = both.filter((each) => each.status === 'rejected')
  expect(failed.map(({ reason }) => reason.name)).toEqual(['RepublishedElsewhere'])
  const placed = (await eventsInOrder()).filter((event) => shortName(event) === 'OrderPlaced')
  expect(placed).toHaveLength(2_000)
})

test('a run that came to its end is followed by a new one', async () => {
  await adopt(10)
  const marks = await marked()
  expect(await run(marks, republish[0]!, options)).toBe(10)
  expect(await run(marks, republish[0]!, options)).toBe(10)
  expect(fold(await eventsInOrder())).toEqual(await inDatabase())
})

test('a run that was ended long ago is not gone on with: what was lost since would be left out', async () => {
  await adopt(10)
  const marks = await marked()
  await run(marks, republish[0]!, options)
  await superuser('outbox_republish').update({ ended_at: null, started_at: new Date(Date.now() - 2 * 86_400_000) })
  await expect(run(marks, republish[0]!, options)).rejects.toThrow(/order: a run of .* was never ended.*--anew/)
  expect(await run(marks, republish[0]!, { ...options, anew: true })).toBe(10)
})
