import { type OrderView, type Step, shows } from './workload.ts'

type ReadModel = 'orders' | 'sales' | 'customers' | 'sellers'

interface Hit {
  readonly _id: string
  readonly _source: OrderView & { readonly orders?: number }
}

/** Pause between two looks, ms: the resolution of what is measured, and a bound on the load of measuring. */
const PAUSE_MS = 20
/** The read models behind `orders` are looked at with every so manieth look. */
const OTHERS_EVERY = 4

/**
 * Searches for expected changes over and over and notes when each is first found. By search, never by get: a get
 * sees documents that no search finds yet.
 */
export function observeSearch(elasticsearch: string) {
  const outstanding = new Map<string, Step>()
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
  let running = true
  let looks = 0

  async function look(): Promise<void> {
    const asked: ReadModel[] = []
    const lines: object[] = []
    const ask = (index: ReadModel, ids: Iterable<string>, fields: string[]) => {
      const values = [...new Set(ids)].slice(0, 1000)
      if (values.length === 0) return
      asked.push(index)
      lines.push(
        { index },
        { size: values.length, query: { ids: { values } }, _source: fields, track_total_hits: false },
      )
    }
    ask(
      'orders',
      [...outstanding.values()].map((step) => step.orderId),
      ['status', 'customer', 'items', 'payments'],
    )
    if (++looks % OTHERS_EVERY === 0) {
      for (const index of ['sales', 'customers', 'sellers'] as const) ask(index, others[index].keys(), ['orders'])
    }
    if (asked.length === 0) return
    const response = await fetch(`${elasticsearch}/_msearch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    })
    const { responses } = (await response.json()) as { responses: { hits: { hits: Hit[] } }[] }
    const now = performance.now()
    for (const [i, index] of asked.entries()) {
      const hits = new Map(responses[i]!.hits.hits.map((hit) => [hit._id, hit._source]))
      if (index === 'orders') noteOrders(hits, now)
      else noteOthers(index, hits, now)
    }
  }

  function noteOrders(hits: ReadonlyMap<string, Hit['_source']>, now: number): void {
    for (const [key, step] of outstanding) {
      const document = hits.get(step.orderId)
      if (!document || !shows(step, document)) continue
      seen.orders.set(key, now)
      outstanding.delete(key)
    }
  }

  function noteOthers(
    index: Exclude<ReadModel, 'orders'>,
    hits: ReadonlyMap<string, Hit['_source']>,
    now: number,
  ): void {
    for (const [id, key] of others[index]) {
      if (!(hits.get(id)?.orders === 1)) continue
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
      outstanding.set(step.key, step)
      if (step.others)
        for (const index of ['sales', 'customers', 'sellers'] as const) others[index].set(step.others[index], step.key)
    },
    /** Waits until everything expected was seen; answers how many were not within `timeoutMs`. */
    async settle(timeoutMs: number): Promise<number> {
      const left = () => outstanding.size + others.sales.size + others.customers.size + others.sellers.size
      const deadline = performance.now() + timeoutMs
      while (left() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
      running = false
      await loop
      return left()
    },
  }
}
