import { Pool } from 'undici'
import type { Step } from './workload.ts'

type ReadModel = 'orders' | 'sales' | 'customers' | 'sellers'

interface Hit {
  readonly _id: string
  readonly _version: number
  readonly fields?: { readonly orders?: readonly number[] }
}

/** Pause between two looks, ms: the resolution of what is measured, and a bound on the load of measuring. */
const PAUSE_MS = 25
/** The read models behind `orders` are looked at with every so manieth look. */
const OTHERS_EVERY = 8
/** A document's version is `generation · 2^40 + offset` of its row (sinks/elasticsearch/version.ts). */
const offsetOf = (version: number) => version % 2 ** 40

/**
 * Searches for expected changes over and over and notes when each is first found. By search, never by get: a get
 * sees documents that no search finds yet.
 */
export function observeSearch(elasticsearch: string) {
  /** Orders whose row was seen, with the offset of that row: their document must be of at least that version. */
  const outstanding = new Map<string, { readonly orderId: string; readonly offset: number }>()
  const rowless = new Set<string>()
  const others = {
    sales: new Map<string, string>(),
    customers: new Map<string, string>(),
    sellers: new Map<string, string>(),
  }
  const seen = {
    orders: new Map<string, number>(),
    sales: new Map<string, number>(),
    customers: new Map<string, number>(),
    sellers: new Map<string, number>(),
  }
  const connection = new Pool(elasticsearch, { connections: 1 })
  let running = true
  let looks = 0

  async function look(): Promise<void> {
    const asked: ReadModel[] = []
    const lines: object[] = []
    const ask = (index: ReadModel, ids: Iterable<string>, more: object) => {
      const values = [...new Set(ids)].slice(0, 1000)
      if (values.length === 0) return
      asked.push(index)
      const query = { ids: { values } }
      lines.push({ index }, { size: values.length, query, _source: false, track_total_hits: false, ...more })
    }
    const orderIds = Array.from(outstanding.values(), ({ orderId }) => orderId)
    ask('orders', orderIds, { version: true })
    if (++looks % OTHERS_EVERY === 0) {
      for (const index of ['sales', 'customers', 'sellers'] as const) {
        ask(index, others[index].keys(), { docvalue_fields: ['orders'] })
      }
    }
    if (asked.length === 0) return
    const { body } = await connection.request({
      method: 'POST',
      path: '/_msearch?filter_path=responses.hits.hits',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    })
    const { responses } = (await body.json()) as { responses: { hits?: { hits?: Hit[] } }[] }
    const now = performance.now()
    for (const [i, index] of asked.entries()) {
      const hits = new Map((responses[i]?.hits?.hits ?? []).map((hit) => [hit._id, hit]))
      if (index === 'orders') noteOrders(hits, now)
      else noteOthers(index, hits, now)
    }
  }

  function noteOrders(hits: ReadonlyMap<string, Hit>, now: number): void {
    for (const [key, { orderId, offset }] of outstanding) {
      const hit = hits.get(orderId)
      if (!hit || offsetOf(hit._version) < offset) continue
      seen.orders.set(key, now)
      outstanding.delete(key)
    }
  }

  function noteOthers(index: Exclude<ReadModel, 'orders'>, hits: ReadonlyMap<string, Hit>, now: number): void {
    for (const [id, key] of others[index]) {
      if (hits.get(id)?.fields?.orders?.[0] !== 1) continue
      seen[index].set(key, now)
      others[index].delete(id)
    }
  }

  const loop = (async () => {
    while (running) {
      await look()
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  })()

  return {
    seen,
    expect(step: Step): void {
      rowless.add(step.key)
      if (step.others)
        for (const index of ['sales', 'customers', 'sellers'] as const) others[index].set(step.others[index], step.key)
    },
    /** The change is in the order's row at that offset: from now on its document is looked for. */
    lookFor(step: Step, offset: number): void {
      rowless.delete(step.key)
      outstanding.set(step.key, { orderId: step.orderId, offset })
    },
    /** Waits until everything expected was seen; answers how many were not within `timeoutMs`. */
    async settle(timeoutMs: number): Promise<number> {
      const left = () =>
        rowless.size + outstanding.size + others.sales.size + others.customers.size + others.sellers.size
      const deadline = performance.now() + timeoutMs
      while (left() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
      running = false
      await loop
      await connection.close()
      return left()
    },
  }
}
