import type { Client, estypes } from '@elastic/elasticsearch'
import type { Document } from '#sinks/read-models/document.ts'
import { filterQuery, type Query } from './queries.ts'
import type { Filters } from './report.ts'

/** What the list can be ordered by. */
export const SORTS = { newest: 'purchasedAt:desc', oldest: 'purchasedAt:asc', largest: 'totalCents:desc' } as const
export type Sort = keyof typeof SORTS

/** The fields of a document that the list shows. */
const LISTED = [
  'orderId',
  'status',
  'purchasedAt',
  'customer',
  'itemCount',
  'totalCents',
  'paidCents',
  'reviewScore',
  'late',
]
const CSV_PAGE = 1_000
const KEEP_ALIVE = '1m'

export interface OrderSearch {
  readonly filters: Filters
  /** Words a person typed; each has to be found in an order. */
  readonly text: string
  readonly sort: Sort
}

/** Fields a word may be in. Ids are found by their beginning, so that a part of one is enough. */
const SEARCHED = ['orderId', 'customer.customerId', 'customer.uniqueId', 'customer.city', 'customer.zip']
const SEARCHED_ITEMS = ['items.productId', 'items.sellerId', 'items.category']
const SEARCHED_EXACTLY = ['status', 'customer.state']

/** The query for a search of orders. */
export function orderQuery({ filters, text }: Omit<OrderSearch, 'sort'>): Query {
  const words = text.trim().split(/\s+/).filter(Boolean)
  return filterQuery('orders', filters, words.map(wordQuery))
}

function wordQuery(word: string): Query {
  const prefix = (field: string) => ({ prefix: { [field]: { value: word, case_insensitive: true } } })
  const exact = (field: string) => ({ term: { [field]: { value: word, case_insensitive: true } } })
  return {
    bool: {
      minimum_should_match: 1,
      should: [
        ...SEARCHED.map(prefix),
        // A city's second word counts too: `paulo` finds `são paulo`.
        { wildcard: { 'customer.city': { value: `* ${escaped(word)}*`, case_insensitive: true } } },
        ...SEARCHED_EXACTLY.map(exact),
        { nested: { path: 'items', query: { bool: { should: SEARCHED_ITEMS.map(prefix) } } } },
        { nested: { path: 'payments', query: prefix('payments.type') } },
      ],
    },
  }
}

const escaped = (word: string) => word.replace(/[\\*?]/g, '\\$&')

/** One page of the list, and how many orders there are. */
export async function listOrders(client: Client, search: OrderSearch, from: number, size: number) {
  const answer = await client.search<Document>({
    index: 'orders',
    from,
    size,
    track_total_hits: true,
    query: orderQuery(search),
    sort: sortOf(search.sort),
    _source: LISTED,
  })
  return {
    total: (answer.hits.total as estypes.SearchTotalHits).value,
    orders: answer.hits.hits.map((hit) => hit._source!),
  }
}

/** An order with all of its parts, or undefined. */
export async function findOrder(client: Client, orderId: string): Promise<Document | undefined> {
  // A search and not a get: only a search goes through the alias's filter, which hides deleted orders.
  const answer = await client.search<Document>({ index: 'orders', size: 1, query: { ids: { values: [orderId] } } })
  return answer.hits.hits[0]?._source
}

/** Every order of a search, page by page, as they stood at one moment. */
export async function* allOrders(client: Client, search: OrderSearch): AsyncGenerator<Document[]> {
  const { id } = await client.openPointInTime({ index: 'orders', keep_alive: KEEP_ALIVE })
  try {
    let after: estypes.SortResults | undefined
    for (;;) {
      const { hits } = await client.search<Document>({
        pit: { id, keep_alive: KEEP_ALIVE },
        size: CSV_PAGE,
        query: orderQuery(search),
        sort: [...sortOf(search.sort), '_shard_doc'],
        track_total_hits: false,
        ...(after && { search_after: after }),
      })
      if (hits.hits.length === 0) return
      yield hits.hits.map((hit) => hit._source!)
      after = hits.hits.at(-1)!.sort
    }
  } finally {
    await client.closePointInTime({ id }).catch(() => {})
  }
}

function sortOf(sort: Sort): estypes.SortCombinations[] {
  const [field, order] = SORTS[sort].split(':') as [string, 'asc' | 'desc']
  return [{ [field]: { order, missing: '_last' } }, { orderId: 'asc' }]
}
