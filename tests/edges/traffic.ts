import { randomUUID } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { runs } from './soak.ts'

/** A way from a service's command to where its effect shows. Each leads through other parts of the system. */
export const streams = ['orders', 'sales', 'customers', 'sellers', 'reviews', 'payments'] as const
export type Stream = (typeof streams)[number]

/** How often each kind of change is sent: five kinds, so 25 changes/s in all in the long form. */
const PER_SECOND = runs({ short: 2, long: 5 })
/** The pause between two looks at what has arrived, in ms. */
const LOOK_MS = runs({ short: 50, long: 100 })
/** What can't be seen yet is looked at again after this share of the time that it was waited for: looking must not be the load. */
const LOOK_AGAIN_SHARE = 0.1
/** The same of commands that aren't taken yet: clients back off, or hundreds of them would be the load of an ill service. */
const SEND_AGAIN_SHARE = 0.5
const SEND_AGAIN_MS = 20
/** An unanswered command is tried again for so long, in ms: the part that should answer may be ill. */
const PATIENCE_MS = 180_000

/** The fields by which a change is known to have arrived. */
const LOOKED_AT = ['customer.state', 'orders', 'reviewScore']

/** A change that was answered, and where and how its effect shows. */
export interface Change {
  readonly stream: Stream
  readonly index: 'orders' | 'sales' | 'customers' | 'sellers'
  readonly id: string
  readonly answeredAt: number
  shows(document: Record<string, unknown>): boolean
}

/** When a change was answered, and when its effect was seen, in ms since 1970. */
export interface Arrival {
  readonly answeredAt: number
  readonly seenAt: number
}

export interface Traffic {
  /** What has arrived, by stream, in the order seen. */
  readonly arrivals: ReadonlyMap<Stream, readonly Arrival[]>
  /** Every change that was answered, seen or not, in the order answered. */
  readonly changes: readonly Change[]
  /** Those of some changes that readers don't see now. Throws when Elasticsearch doesn't answer. */
  missing(of: readonly Change[]): Promise<Change[]>
  /** Sends no more; resolves when everything was seen. Throws when that takes too long. */
  stop(timeoutMs: number): Promise<void>
}

interface Addresses {
  readonly elasticsearch: string
  readonly services: Readonly<Record<string, string>>
}

/**
 * Sends changes, evenly, and watches each of them arrive: new orders (seen in three read models), new
 * sellers, reviews of orders there are, payments of new orders (accepted once the payments service has learned of the
 * order: that is the subscriber's way), customers who move.
 */
export async function startTraffic({ services, elasticsearch }: Addresses, run: string): Promise<Traffic> {
  const arrivals = new Map<Stream, Arrival[]>(streams.map((stream) => [stream, []]))
  /** With the moment from which each is looked for again, in ms since 1970. */
  const waiting = new Map<Change, number>()
  const changes: Change[] = []
  const commands = new Set<Promise<void>>()
  let stopped = false
  let failure: Error | undefined

  /** Gives when it was answered. A command is sent again until it is: a service that is down isn't the client's end. */
  async function send(service: string, method: string, path: string, body: unknown): Promise<number> {
    const key = randomUUID()
    const began = Date.now()
    for (;;) {
      try {
        const response = await fetch(`${services[service]}${path}`, {
          method,
          headers: { 'content-type': 'application/json', 'idempotency-key': key },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(PATIENCE_MS),
        })
        const text = await response.text()
        if (response.ok) return Date.now()
        if (!(response.status >= 500 || (response.status === 409 && JSON.parse(text).retryable))) {
          throw new Refused(`${method} ${service}${path} answered ${response.status}: ${text}`)
        }
      } catch (error) {
        if (error instanceof Refused) throw error
      }
      const waited = Date.now() - began
      if (waited > PATIENCE_MS) throw new Error(`${method} ${service}${path} was not answered`)
      await after(Math.max(SEND_AGAIN_MS, waited * SEND_AGAIN_SHARE))
    }
  }

  const wait = (one: Change) => {
    changes.push(one)
    waiting.set(one, 0)
  }

  const saw = (stream: Stream, answeredAt: number, seenAt: number) => arrivals.get(stream)!.push({ answeredAt, seenAt })

  const order = (n: string) => ({
    orderId: `${run}o${n}`,
    customerId: `${run}c${n}`,
    purchasedAt: '2018-08-07T10:00:00Z',
    estimatedAt: null,
    items: [
      { itemNo: 1, productId: `${run}p`, sellerId: `${run}s`, priceCents: 1_000, freightCents: 100, shipBy: null },
    ],
  })
  const address = (n: string) => ({ zip: '01310', city: 'before', state: `${run}${n}` })

  const kinds: ((n: string) => Promise<void>)[] = [
    async (n) => {
      await send('customers', 'POST', '/customers', {
        customerId: `${run}c${n}`,
        uniqueId: `${run}u${n}`,
        ...address(n),
      })
      const placedAt = await send('orders', 'POST', '/orders', order(n))
      const joined = (d: Record<string, unknown>) => (d.customer as { state?: string } | undefined)?.state !== undefined
      wait({ stream: 'orders', index: 'orders', id: `${run}o${n}`, answeredAt: placedAt, shows: joined })
      const counted = (d: Record<string, unknown>) => d.orders === 1
      const day = `2018-08-07|${run}${n}|${run}books`
      wait({ stream: 'sales', index: 'sales', id: day, answeredAt: placedAt, shows: counted })
      wait({ stream: 'customers', index: 'customers', id: `${run}u${n}`, answeredAt: placedAt, shows: counted })
      const payment = { orderId: `${run}o${n}`, sequence: 1, type: 'voucher', installments: 1, cents: 1_100 }
      saw('payments', placedAt, await send('payments', 'POST', '/payments', payment))
    },
    async (n) => {
      const joinedAt = await send('catalog', 'POST', '/sellers', { sellerId: `${run}s${n}`, ...address(n) })
      wait({ stream: 'sellers', index: 'sellers', id: `${run}s${n}`, answeredAt: joinedAt, shows: () => true })
    },
    async (n) => {
      const review = { orderId: `${run}o${n}`, reviewId: 'r', score: 5, createdAt: '2018-09-01T00:00:00Z' }
      const writtenAt = await send('reviews', 'POST', '/reviews', review)
      const scored = (d: Record<string, unknown>) => d.reviewScore === 5
      wait({ stream: 'reviews', index: 'orders', id: `${run}o${n}`, answeredAt: writtenAt, shows: scored })
    },
  ]

  await send('catalog', 'POST', '/products', { productId: `${run}p`, category: `${run}books` })
  await send('catalog', 'POST', '/sellers', { sellerId: `${run}s`, ...address('') })

  const sending = (async () => {
    const began = performance.now()
    for (let tick = 0; !stopped; tick++) {
      await after(Math.max(0, began + (tick * 1_000) / PER_SECOND - performance.now()))
      // A review is of an order that was placed a second ago.
      const due: [number, number][] = [
        [0, tick],
        [1, tick],
        [2, tick - PER_SECOND],
      ]
      for (const [kind, n] of due) {
        if (n < 0) continue
        const command = kinds[kind]!(String(n)).catch((error) => {
          failure ??= error
        })
        commands.add(command)
        command.finally(() => commands.delete(command))
      }
    }
  })()

  async function documents(wanted: readonly { index: string; id: string }[]) {
    const response = await fetch(`${elasticsearch}/_mget?realtime=false&_source_includes=${LOOKED_AT.join(',')}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ docs: wanted.map(({ index, id }) => ({ _index: index, _id: id })) }),
    })
    if (!response.ok) return []
    const { docs } = (await response.json()) as { docs: { found?: boolean; _source?: Record<string, unknown> }[] }
    return docs
  }

  const looking = (async () => {
    while (!stopped || waiting.size > 0) {
      const due = [...waiting].filter(([, from]) => from <= Date.now()).map(([one]) => one)
      const found = due.length === 0 ? [] : await documents(due).catch(() => [])
      const now = Date.now()
      for (const [i, one] of due.entries()) {
        const document = found[i]?.found ? found[i]._source : undefined
        if (document && one.shows(document)) {
          waiting.delete(one)
          saw(one.stream, one.answeredAt, now)
        } else waiting.set(one, now + (now - one.answeredAt) * LOOK_AGAIN_SHARE)
      }
      await after(LOOK_MS)
    }
  })()

  return {
    arrivals,
    changes,
    async missing(of) {
      if (of.length === 0) return []
      const found = await documents(of)
      if (found.length === 0) throw new Error('Elasticsearch does not answer')
      return of.filter((one, i) => !(found[i]?.found && one.shows(found[i]._source!)))
    },
    async stop(timeoutMs) {
      stopped = true
      const late = AbortSignal.timeout(timeoutMs)
      const tooLate = new Promise<never>((_, reject) => {
        late.addEventListener('abort', () => {
          const left = [...waiting.keys()].slice(0, 5).map(({ stream, id }) => `${stream} ${id}`)
          reject(new Error(`${waiting.size} changes did not arrive within ${timeoutMs} ms: ${left.join(', ')}`))
        })
      })
      const done = (async () => {
        await sending
        await Promise.all(commands)
        await looking
      })()
      try {
        await Promise.race([done, tooLate])
      } finally {
        waiting.clear()
      }
      if (failure) throw failure
    },
  }
}

class Refused extends Error {}

/** The time by which 99 of 100 had arrived, in ms, of what was answered between two moments. */
export function p99(arrivals: readonly Arrival[], from: number, to: number): number {
  const times = arrivals
    .filter(({ answeredAt }) => answeredAt >= from && answeredAt < to)
    .map(({ answeredAt, seenAt }) => Math.max(0, seenAt - answeredAt))
    .sort((a, b) => a - b)
  return times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN
}

/** A time without arrivals, and how long after the beginning of what was looked at it began, in ms. */
export interface Gap {
  readonly ms: number
  readonly beganMs: number
}

/** The longest gap between arrivals from one moment to another. */
export function longestGap(arrivals: readonly Arrival[], from: number, to: number): Gap {
  const moments = arrivals.map(({ seenAt }) => seenAt).filter((at) => at > from && at < to)
  const all = [from, ...moments.sort((a, b) => a - b), to]
  return longest(all.slice(1).map((at, i) => ({ ms: at - all[i]!, beganMs: all[i]! - from })))
}

/** The longest of some gaps; none at all is one of 0 ms. */
export function longest(gaps: readonly Gap[]): Gap {
  return gaps.reduce((most, gap) => (gap.ms > most.ms ? gap : most), { ms: 0, beganMs: 0 })
}
