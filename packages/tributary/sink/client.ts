import { Client } from '@elastic/elasticsearch'
import type { elasticsearchSettings, Settings } from '#runtime/config'
import { type HttpAt, httpAt, securedHttp } from '#runtime/http-at'

/** How long one request may take before it counts as unanswered. */
const REQUEST_MS = 30_000

/** Where an Elasticsearch is and how it is entered: with nothing, a login, or a key. */
export type ElasticsearchAt = HttpAt | { readonly server: HttpAt; readonly apiKey: string }

/** The one that the settings name. */
export function elasticsearchAt(config: Settings<typeof elasticsearchSettings>): ElasticsearchAt {
  const server = httpAt('ELASTICSEARCH', config)
  const { ELASTICSEARCH_API_KEY: apiKey } = config
  return apiKey === undefined ? server : { server, apiKey }
}

/**
 * A client of an Elasticsearch. It repeats nothing by itself: the sink decides what is sent again.
 */
export function openElasticsearch(at: ElasticsearchAt): Client {
  const keyed = typeof at === 'object' && 'apiKey' in at
  const { url, login, ca } = securedHttp(keyed ? at.server : at)
  const auth = keyed ? { apiKey: at.apiKey } : login
  return new Client({
    node: url,
    maxRetries: 0,
    requestTimeout: REQUEST_MS,
    ...(auth && { auth }),
    ...(ca !== undefined && { tls: { ca } }),
  })
}
