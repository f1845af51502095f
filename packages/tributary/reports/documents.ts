import type { Client, estypes } from '@elastic/elasticsearch'
import type { Document } from '#read-models/document'
import type { ReadModel } from '#read-models/read-model'
import { fieldAt, isNumeric, type Kind } from './fields.ts'
import { conditionQuery, filterQuery, type Query, type Scope, within } from './filters.ts'
import { SEARCH_TIME } from './queries.ts'
import type { DocumentList, FilterValues, Search, Shown, Sort } from './report.ts'

const CSV_PAGE = 1_000
const KEEP_ALIVE = '1m'
/** The last moment a date can be, in ms since 1970. */
const LAST_MOMENT = 8.64e15
const LAST_INT = 2_147_483_647

/** Elasticsearch gave up on a search: it would have taken too long. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow'
}

/** A list as somebody asks for it. */
export interface ListSearch {
  readonly values: FilterValues
  /** Words a person typed; each has to be found in a document. */
  readonly text: string
  /** The id of one of the list's ways to sort. */
  readonly sort: string
}

/** The words of a search. */
export const wordsOf = (typed: string): readonly string[] => typed.trim().split(/\s+/).filter(Boolean)

/** The query for a search of a list. */
export function listQuery(scope: Scope, list: DocumentList, { values, text }: Omit<ListSearch, 'sort'>): Query {
  const model = scope.readModels.get(list.readModel)!
  const words = wordsOf(text).map((word) => wordQuery(model, list.search ?? { fields: [] }, word))
  const always = (list.only ?? []).map((condition) => conditionQuery(model, condition))
  return filterQuery(scope, list.readModel, values, [...always, ...words])
}

/** Each of these walks a dictionary from the word on; nothing looks into the middle of a term, which reads all of it. */
function wordQuery(model: ReadModel, { fields, exact = [], texts = [] }: Search, word: string): Query {
  const isNumber = /^-?\d{1,18}$/.test(word)
  const find = (kind: 'term' | 'prefix') => (field: string) => {
    if (!isNumeric(fieldAt(model, field)?.kind))
      return [within(model, field, { [kind]: { [field]: { value: word, case_insensitive: true } } })]
    return isNumber ? [within(model, field, { term: { [field]: word } })] : []
  }
  const should = [
    // A single letter begins half of everything.
    ...fields.flatMap(find([...word].length > 1 ? 'prefix' : 'term')),
    ...exact.flatMap(find('term')),
    // A second word of a text counts too.
    ...texts.map((field) => within(model, field, { match_bool_prefix: { [field]: { query: word, operator: 'and' } } })),
  ]
  return should.length === 0 ? { match_none: {} } : { bool: { minimum_should_match: 1, should } }
}

/** A document, and the id under which it is found. */
export interface Listed {
  readonly id: string
  readonly document: Document
}

/** One page of a list, and how many documents there are. */
export async function listDocuments(
  client: Client,
  scope: Scope,
  list: DocumentList,
  search: ListSearch,
  from: number,
  size: number,
): Promise<{ readonly total: number; readonly documents: readonly Listed[] }> {
  const answer = await client.search<Document>({
    index: list.readModel,
    from,
    size,
    timeout: SEARCH_TIME,
    allow_partial_search_results: false,
    track_total_hits: true,
    query: listQuery(scope, list, search),
    sort: sortOf(scope, list, search.sort),
    _source: list.columns.flatMap(shownIn).map(({ field }) => field),
  })
  if (answer.timed_out) throw new TooSlow()
  return {
    total: (answer.hits.total as estypes.SearchTotalHits).value,
    documents: answer.hits.hits.map((hit) => ({ id: hit._id!, document: hit._source! })),
  }
}

/** Everything that stands in a column. */
export const shownIn = ({ also = [], ...column }: DocumentList['columns'][number]): readonly Shown[] => [
  column,
  ...also,
]

/** A document with all of its parts, or undefined. */
export async function findDocument(client: Client, readModel: string, id: string): Promise<Document | undefined> {
  // A search and not a get: only a search goes through the alias's filter, which hides deleted documents.
  const answer = await client.search<Document>({ index: readModel, size: 1, query: { ids: { values: [id] } } })
  return answer.hits.hits[0]?._source
}

/** Every document of a search, page by page, as they stood at one moment. */
export async function* allDocuments(
  client: Client,
  scope: Scope,
  list: DocumentList,
  search: ListSearch,
  fields: readonly string[],
): AsyncGenerator<Document[]> {
  const { id } = await client.openPointInTime({ index: list.readModel, keep_alive: KEEP_ALIVE })
  try {
    let after: estypes.SortResults | undefined
    for (;;) {
      const { hits } = await client.search<Document>({
        pit: { id, keep_alive: KEEP_ALIVE },
        size: CSV_PAGE,
        _source: [...fields],
        query: listQuery(scope, list, search),
        sort: [...sortOf(scope, list, search.sort), '_shard_doc'],
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

function sortOf(scope: Scope, list: DocumentList, id: string): estypes.SortCombinations[] {
  const { field, order } = list.sorts.find((sort) => sort.id === id)!
  const missing = lastOf(fieldAt(scope.readModels.get(list.readModel)!, field)?.kind, order)
  return [{ [field]: { order, missing } }, ...list.key.map((one) => ({ [one]: 'asc' as const }))]
}

/** What isn't known comes last. */
function lastOf(kind: Kind | undefined, order: Sort['order']): string | number {
  if (kind === 'string') return '_last'
  // Elasticsearch's own `_last` stands for the greatest long, which JavaScript can't say back to it as the place to go
  // on from.
  const most = kind === 'int' ? LAST_INT : LAST_MOMENT
  return order === 'asc' ? most : -most
}
