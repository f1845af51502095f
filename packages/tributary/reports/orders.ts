import type { Client, estypes } from '@elastic/elasticsearch'
import type { Document } from '#read-models/document'
import { filterQuery, type Query, SEARCH_TIME } from './queries.ts'
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
/** The last moment a date can be, in ms since 1970. */
const LAST_MOMENT = 8.64e15

/** Elasticsearch gave up on a search: it would have taken too long. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow'
}

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

/** The words of a search. */
export const wordsOf = (typed: string): readonly string[] => typed.trim().split(/\s+/).filter(Boolean)

/** The query for a search of orders. */
export function orderQuery({ filters, text }: Omit<OrderSearch, 'sort'>): Query {
  return filterQuery('orders', filters, wordsOf(text).map(wordQuery))
}

/** Each of these walks a dictionary from the word on; nothing looks into the middle of a term, which reads all of it. */
function wordQuery(word: string): Query {
  const exact = (field: string): Query => ({ term: { [field]: { value: word, case_insensitive: true } } })
  const prefix = (field: string): Query => ({ prefix: { [field]: { value: word, case_insensitive: true } } })
  // A single letter begins half of everything.
  const found = [...word].length > 1 ? prefix : exact
  return {
    bool: {
      minimum_should_match: 1,
      should: [
        ...SEARCHED.map(found),
        // A city's second word counts too: `paulo` finds `são paulo`.
        { match_bool_prefix: { 'customer.city.words': { query: word, operator: 'and' } } },
        ...SEARCHED_EXACTLY.map(exact),
        { nested: { path: 'items', query: { bool: { should: SEARCHED_ITEMS.map(found) } } } },
        { nested: { path: 'payments', query: found('payments.type') } },
      ],
    },
  }
}

/** One page of the list, and how many orders there are. */
export async function listOrders(client: Client, search: OrderSearch, from: number, size: number) {
  const answer = await client.search<Document>({
    index: 'orders',
    from,
    size,
    timeout: SEARCH_TIME,
    allow_partial_search_results: false,
    track_total_hits: true,
    query: orderQuery(search),
    sort: sortOf(search.sort),
    _source: LISTED,
  })
  if (answer.timed_out) throw new TooSlow()
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
        _source: { excludes: ['items', 'payments'] },
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
  // What isn't known comes last. Elasticsearch's own `_last` stands for the greatest long, which JavaScript can't say
  // back to it as the place to go on from.
  const missing = order === 'asc' ? LAST_MOMENT : -LAST_MOMENT
  return [{ [field]: { order, missing } }, { orderId: 'asc' }]
}
