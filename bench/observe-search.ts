import { Pool } from 'undici'
import type { Step } from './workload.ts'

type ReadModel = 'orders' | 'sales' | 'customers' | 'sellers'

interface Found {
  readonly _id: string
  readonly _version?: number
  readonly fields?: { readonly orders?: readonly number[] }
}

/** Pause between two looks, ms: the resolution of what is measured, and a bound on the load of measuring. */
const PAUSE_MS = 15
/** With every so manieth look the other read models are searched, and whether searches see what the looks saw. */
const SEARCH_EVERY = 10
/** A document's version is `generation · 2^40 + offset` of its row (sinks/elasticsearch/version.ts). */
const offsetOf = (version = -1) => version % 2 ** 40

/**
 * Looks for expected changes over and over and notes when each is first searchable.
 *
 * Orders are looked for by `_mget` with `realtime=false`: it reads what searches read, what the last refresh opened
 * (https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-mget), for a fraction of a search's cost;
 * forty searches a second would take a tenth of the machine that is measured. Searches follow a few times a second, and
 * one that doesn't find what a look before it saw is an error.
 */
export function observeSearch(elasticsearch: string) {
  /** Orders whose row was seen, with the offset of that row: their document must be of at least that version. */
  const outstanding = new Map<string, { readonly orderId: string; readonly offset: number }>()
  /** Orders that a look saw since the last search. */
  const unconfirmed = new Map<string, { readonly orderId: string; readonly offset: number }>()
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

  async function ask<T>(path: string, contentType: string, body: string): Promise<T> {
    const answer = await connection.request({ method: 'POST', path, headers: { 'content-type': contentType }, body })
    return (await answer.body.json()) as T
  }

  async function look(): Promise<void> {
    if (outstanding.size > 0) {
      const ids = new Set(Array.from(outstanding.values(), ({ orderId }) => orderId))
      const { docs = [] } = await ask<{ docs?: Found[] }>(
        '/orders/_mget?realtime=false&_source=false&filter_path=docs._id,docs._version',
        'application/json',
        JSON.stringify({ ids: [...ids] }),
      )
      noteOrders(new Map(docs.map((found) => [found._id, found])), performance.now())
    }
    if (++looks % SEARCH_EVERY === 0) await searchAll()
  }

  async function searchAll(): Promise<void> {
    const asked: ReadModel[] = []
    const lines: object[] = []
    const search = (index: ReadModel, ids: Iterable<string>, more: object) => {
      const values = [...new Set(ids)].slice(0, 1000)
      if (values.length === 0) return
      asked.push(index)
      const query = { ids: { values } }
      lines.push({ index }, { size: values.length, query, _source: false, track_total_hits: false, ...more })
    }
    const confirming = [...unconfirmed]
    const orderIds = confirming.map(([, { orderId }]) => orderId)
    search('orders', orderIds, { version: true })
    for (const index of ['sales', 'customers', 'sellers'] as const) {
      search(index, others[index].keys(), { docvalue_fields: ['orders'] })
    }
    if (asked.length === 0) return
    const { responses } = await ask<{ responses: { hits?: { hits?: Found[] } }[] }>(
      '/_msearch?filter_path=responses.hits.hits',
      'application/x-ndjson',
      lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    )
    const now = performance.now()
    for (const [i, index] of asked.entries()) {
      const hits = new Map((responses[i]?.hits?.hits ?? []).map((hit) => [hit._id, hit]))
      if (index === 'orders') confirm(confirming, hits)
      else noteOthers(index, hits, now)
    }
  }

  function noteOrders(found: ReadonlyMap<string, Found>, now: number): void {
    for (const [key, order] of outstanding) {
      if (offsetOf(found.get(order.orderId)?._version) < order.offset) continue
      seen.orders.set(key, now)
      unconfirmed.set(key, order)
      outstanding.delete(key)
    }
  }

  function confirm(
    confirming: [string, { orderId: string; offset: number }][],
    hits: ReadonlyMap<string, Found>,
  ): void {
    for (const [key, { orderId, offset }] of confirming) {
      if (offsetOf(hits.get(orderId)?._version) < offset)
        throw new Error(`a search doesn't find what a look saw: ${key}`)
      unconfirmed.delete(key)
    }
  }

  function noteOthers(index: Exclude<ReadModel, 'orders'>, hits: ReadonlyMap<string, Found>, now: number): void {
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
