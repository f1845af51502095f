import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { generateMarketplace } from './generate.ts'
import type { Marketplace } from './marketplace.ts'
import { type Memory, type PlayerOptions, PlayFailed, play, type Tally } from './player.ts'
import { commandsOf, mastersOf, mastersWithoutOrder } from './script.ts'
import { openSender, type Sender } from './send.ts'
import { type Received, type Reply, type StubServices, stubServices } from './stub-services.ts'

const market = generateMarketplace({ orders: 60, seed: 7 })
let stub: StubServices
let sender: Sender
let reply: (request: Received) => Reply | Promise<Reply>
let tally: Tally
let memory: Memory & { ids: Set<string> }

beforeEach(async () => {
  reply = () => undefined
  stub = await stubServices((request) => reply(request))
  sender = openSender(stub.urls, { connections: 8 })
  tally = { orders: 0, commands: 0, notYet: 0, down: 0 }
  memory = remembers()
})
afterEach(async () => {
  await sender.close()
  await stub.close()
})

const remembers = () => {
  const ids = new Set<string>()
  return { ids, has: (id: string) => ids.has(id), add: (id: string) => void ids.add(id) }
}
const run = (over: Partial<PlayerOptions> = {}, of: Marketplace = market) =>
  play(of, { sender, memory, concurrency: 8, tally, ...over })
const scriptOf = (of: Marketplace) => [
  ...new Set([
    ...of.orders.flatMap((order) => [
      ...mastersOf(of, order).map((master) => master.command().key),
      ...commandsOf(order).map((command) => command.key),
    ]),
    ...mastersWithoutOrder(of).map((master) => master.command().key),
  ]),
]
const keys = (requests: readonly Received[]) => requests.map((request) => request.key)
const at = (path: string) => (request: Received) => request.path === path

test('everything in the script is sent exactly once', async () => {
  expect(await run()).toBe(true)
  expect(keys(stub.received).toSorted()).toEqual(scriptOf(market).toSorted())
  expect(tally).toEqual({ orders: 60, commands: stub.received.length, notYet: 0, down: 0 })
})

test('orders begin by purchase time', async () => {
  const begun: string[] = []
  const send: Sender['send'] = (command) => {
    if (command.kind === 'register') begun.push(command.key)
    return sender.send(command)
  }
  await run({ sender: { send } })
  expect(begun).toEqual(market.orders.map((order) => mastersOf(market, order)[0]?.command().key))
})

test("an order's steps come one after another, after all it refers to", async () => {
  await run()
  const sent = new Map(stub.received.map((request, index) => [request.key, index]))
  for (const order of market.orders) {
    const steps = commandsOf(order).map((command) => sent.get(command.key) as number)
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    for (const master of mastersOf(market, order)) expect(sent.get(master.command().key)).toBeLessThan(steps[0]!)
  }
})

test('no more requests are under way than allowed', async () => {
  let [underWay, most] = [0, 0]
  reply = async () => {
    most = Math.max(most, ++underWay)
    await new Promise((resolve) => setImmediate(resolve))
    underWay--
    return undefined
  }
  await run({ concurrency: 3 })
  expect(most).toBe(3)
})

describe('a command is sent again, with the same key,', () => {
  test('while the service does not know yet of what it refers to', async () => {
    const tries = new Map<unknown, number>()
    reply = ({ path, key }) => {
      if (path !== '/payments') return undefined
      tries.set(key, (tries.get(key) ?? 0) + 1)
      return tries.get(key)! < 3 ? { status: 409, body: { code: 'unknown_order', retryable: true } } : undefined
    }
    const few = generateMarketplace({ orders: 5, seed: 3 })
    expect(await run({}, few)).toBe(true)
    expect(keys(stub.carriedOut).toSorted()).toEqual(scriptOf(few).toSorted())
    expect([...tries.values()].every((count) => count === 3)).toBe(true)
    expect(tally.notYet).toBe(2 * tries.size)
  })

  test('after a 503, and after a connection that ends without an answer', async () => {
    const seen = new Set<unknown>()
    reply = ({ path, key }) => {
      if (seen.has(key) || (path !== '/orders' && path !== '/sellers')) return undefined
      seen.add(key)
      return path === '/orders' ? 'drop' : { status: 503, body: { code: 'unavailable', retryable: true } }
    }
    const few = generateMarketplace({ orders: 5, seed: 3 })
    expect(await run({}, few)).toBe(true)
    expect(keys(stub.carriedOut).toSorted()).toEqual(scriptOf(few).toSorted())
    expect(tally.down).toBe(seen.size)
  })

  test('after the service was away', async () => {
    const { port } = stub
    await stub.close()
    const playing = run()
    await until(() => tally.down >= 3)
    stub = await stubServices(() => undefined, port)
    expect(await playing).toBe(true)
    expect(keys(stub.carriedOut).toSorted()).toEqual(scriptOf(market).toSorted())
  })
})

test('while a service is away, no new orders pile up before it', async () => {
  let away = true
  reply = ({ path }) => (away && path === '/orders' ? { status: 503 } : undefined)
  const playing = run()
  await until(() => tally.down >= 20)
  // As many as had a request under way, and some that waited for a product another one was telling.
  expect(new Set(keys(stub.received.filter(at('/orders')))).size).toBeLessThanOrEqual(16)
  away = false
  expect(await playing).toBe(true)
})

test('a refusal stops the playing, naming order, command and answer', async () => {
  const order = market.orders[20]!
  reply = ({ path, body }) =>
    path === '/orders' && (body as { orderId: string }).orderId === order.orderId
      ? { status: 409, body: { code: 'order_exists', retryable: false, message: 'was placed already' } }
      : undefined
  const failed = run()
  await expect(failed).rejects.toThrow(PlayFailed)
  await expect(failed).rejects.toThrow(
    new RegExp(
      `order "${order.orderId}": POST orders/orders \\(place\\) was refused: 409 .*was placed already.*The command was`,
    ),
  )
  expect(tally.orders).toBeLessThan(60)
  expect(keys(stub.carriedOut)).toHaveLength(tally.commands)
})

test('gives up when nothing goes through for too long, naming what failed', async () => {
  reply = () => ({ status: 503, body: { message: 'database away' } })
  await expect(run({ giveUpMs: 200 })).rejects.toThrow(/POST customers\/customers has failed for 0 s .*database away/)
})

test('a stop finishes what is under way; a second run does the rest and nothing twice', async () => {
  const stop = new AbortController()
  reply = () => {
    if (stub.received.length === 200) stop.abort()
    return undefined
  }
  expect(await run({ signal: stop.signal })).toBe(false)
  expect(tally.commands).toBe(stub.carriedOut.length)
  expect(tally.orders).toBeLessThan(60)
  const first = keys(stub.carriedOut)

  const played = [...memory.ids].filter((id) => !id.includes('/'))
  expect(await run()).toBe(true)
  expect([...new Set(keys(stub.carriedOut))].toSorted()).toEqual(scriptOf(market).toSorted())
  // Sent twice are only steps of orders that were open when it stopped, with the same key.
  const again = keys(stub.carriedOut.slice(first.length)).filter((key) => first.includes(key))
  const open = market.orders.filter((order) => !played.includes(order.orderId))
  const steps = new Set(open.flatMap((order) => commandsOf(order).map((command) => command.key)))
  expect(again.every((key) => steps.has(key!) || !key)).toBe(true)
})

test('a third run finds nothing to do', async () => {
  await run()
  const sent = stub.received.length
  expect(await run()).toBe(true)
  expect(stub.received).toHaveLength(sent)
})

test('a stop ends the waiting for a service that is away', async () => {
  reply = () => ({ status: 503 })
  const stop = new AbortController()
  const playing = run({ signal: stop.signal })
  await until(() => tally.down > 0)
  stop.abort()
  expect(await playing).toBe(false)
})

const until = (holds: () => boolean) => vi.waitFor(() => expect(holds()).toBe(true), { timeout: 10_000, interval: 5 })
