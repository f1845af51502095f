import { Pool } from 'undici'
import type { ReadModelName } from '../sinks/testing/marketplace.ts'
import type { Step } from './workload.ts'

type Sums = Exclude<ReadModelName, 'orders'>
const SUMS: readonly Sums[] = ['sales', 'customers', 'sellers']

interface Found {
  readonly _index: string
  readonly _id: string
  readonly _version?: number
  readonly _source?: { readonly orders?: number }
}

/** An order's change that is looked for. */
interface Expected {
  readonly orderId: string
  /** Of the row it is in: the order's document must be of at least that version. */
  readonly offset: number
}

/** Pause between two looks, ms: the resolution of what is measured, and a bound on the load of measuring. */
const PAUSE_MS = 20
/** With every so manieth look the other read models are looked at. */
const SUMS_EVERY = 10
/** How often a search has to find what a look saw, ms. */
const SEARCH_EVERY_MS = 5_000
/** A document's version is `generation · 2^40 + offset` of its row (packages/tributary/sink/version.ts). */
const offsetOf = (version = -1) => version % 2 ** 40

const perReadModel = <T>(): Record<ReadModelName, Map<string, T>> => ({
  orders: new Map(),
  sales: new Map(),
  customers: new Map(),
  sellers: new Map(),
})

/**
 * Looks for expected changes over and over and notes when each is first searchable.
 *
 * They are looked for by `_mget` with `realtime=false`: it reads what searches read, what the last refresh opened
 * (https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-mget), for a fraction of a search's cost: even
 * three searches a second took as much of Elasticsearch as all these looks. Every few seconds a search follows a look at
 * once, and it is an error if it doesn't find what that look saw.
 */
export function observeSearch(elasticsearch: string) {
  const outstanding = new Map<string, Expected>()
  const rowless = new Set<string>()
  /** Per read model: the document that is looked for, and the change that makes it. */
  const sums: Record<Sums, Map<string, string>> = perReadModel<string>()
  const seen = perReadModel<number>()
  const connection = new Pool(elasticsearch, { connections: 1 })
  let running = true
  let looks = 0
  let searchedAt = performance.now()

  async function ask<T>(path: string, body: object): Promise<T> {
    const headers = { 'content-type': 'application/json' }
    const answer = await connection.request({ method: 'POST', path, headers, body: JSON.stringify(body) })
    return (await answer.body.json()) as T
  }

  async function look(): Promise<void> {
    const docs: object[] = []
    for (const _id of new Set(Array.from(outstanding.values(), ({ orderId }) => orderId)))
      docs.push({ _index: 'orders', _id, _source: false })
    if (++looks % SUMS_EVERY === 0)
      for (const _index of SUMS) for (const _id of sums[_index].keys()) docs.push({ _index, _id, _source: ['orders'] })
    if (docs.length === 0) return
    const answer = await ask<{ docs?: Found[] }>(
      '/_mget?realtime=false&filter_path=docs._index,docs._id,docs._version,docs._source',
      { docs },
    )
    const now = performance.now()
    const found = perReadModel<Found>()
    for (const document of answer.docs ?? []) {
      // The answer names the index behind the alias: `orders-1`.
      found[document._index.replace(/-\d+$/, '') as ReadModelName].set(document._id, document)
    }
    const news = noteOrders(found.orders, now)
    for (const name of SUMS) noteSums(name, found[name], now)
    if (news.length > 0 && now - searchedAt > SEARCH_EVERY_MS) {
      searchedAt = now
      await confirm(news)
    }
  }

  /** Gives the changes that were seen for the first time. */
  function noteOrders(found: ReadonlyMap<string, Found>, now: number): Expected[] {
    const news: Expected[] = []
    for (const [key, expected] of outstanding) {
      if (offsetOf(found.get(expected.orderId)?._version) < expected.offset) continue
      seen.orders.set(key, now)
      news.push(expected)
      outstanding.delete(key)
    }
    return news
  }

  function noteSums(name: Sums, found: ReadonlyMap<string, Found>, now: number): void {
    for (const [id, key] of sums[name]) {
      if (found.get(id)?._source?.orders !== 1) continue
      seen[name].set(key, now)
      sums[name].delete(id)
    }
  }

  async function confirm(changes: readonly Expected[]): Promise<void> {
    const values = changes.map(({ orderId }) => orderId)
    const { hits } = await ask<{ hits: { hits: Found[] } }>('/orders/_search', {
      size: values.length,
      query: { ids: { values } },
      _source: false,
      version: true,
    })
    const versions = new Map(hits.hits.map(({ _id, _version }) => [_id, _version]))
    for (const { orderId, offset } of changes)
      if (offsetOf(versions.get(orderId)) < offset) throw new Error(`a search doesn't find what a look saw: ${orderId}`)
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
      if (step.others) for (const name of SUMS) sums[name].set(step.others[name], step.key)
    },
    /** The change is in the order's row at that offset: from now on its document is looked for. */
    lookFor(step: Step, offset: number): void {
      rowless.delete(step.key)
      outstanding.set(step.key, { orderId: step.orderId, offset })
    },
    /** Waits until everything expected was seen; answers how many were not within `timeoutMs`. */
    async settle(timeoutMs: number): Promise<number> {
      const left = () => rowless.size + outstanding.size + SUMS.reduce((count, name) => count + sums[name].size, 0)
      const deadline = performance.now() + timeoutMs
      while (left() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
      running = false
      await loop
      await connection.close()
      return left()
    },
  }
}
