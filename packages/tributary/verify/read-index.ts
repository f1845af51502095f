import type { Client } from '@elastic/elasticsearch'
import type { Document } from '#read-models/document'

const PAGE = 2_000
const KEEP_ALIVE = '2m'

/** A document and its `_id`. */
export interface Found {
  readonly key: string
  readonly document: Document
}

/** Every document that readers of the alias see, page by page, as they stood at one moment. */
export async function* readAll(client: Client, alias: string): AsyncGenerator<Found[]> {
  const { id } = await client.openPointInTime({ index: alias, keep_alive: KEEP_ALIVE })
  try {
    let after: unknown[] | undefined
    for (;;) {
      const { hits } = await client.search<Document>({
        pit: { id, keep_alive: KEEP_ALIVE },
        size: PAGE,
        sort: ['_shard_doc'],
        track_total_hits: false,
        ...(after && { search_after: after as never }),
      })
      if (hits.hits.length === 0) return
      yield hits.hits.map((hit) => ({ key: hit._id!, document: published(hit._source!) }))
      after = hits.hits.at(-1)!.sort
    }
  } finally {
    await client.closePointInTime({ id }).catch(() => {})
  }
}

/** The documents of these keys that readers of the alias see; keys without one are left out. */
export async function readSome(client: Client, alias: string, keys: readonly string[]): Promise<Found[]> {
  const found: Found[] = []
  for (let from = 0; from < keys.length; from += PAGE) {
    const { hits } = await client.search<Document>({
      index: alias,
      size: PAGE,
      query: { ids: { values: keys.slice(from, from + PAGE) } },
    })
    for (const hit of hits.hits) found.push({ key: hit._id!, document: published(hit._source!) })
  }
  return found
}

/** A document without the fields that are not part of the read model: those that begin with `_`. */
function published(source: Document): Document {
  const names = Object.keys(source)
  if (!names.some((name) => name.startsWith('_'))) return source
  return Object.fromEntries(names.filter((name) => !name.startsWith('_')).map((name) => [name, source[name]]))
}
