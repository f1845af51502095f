import { Client } from '@elastic/elasticsearch'

/** How long one request may take before it counts as unanswered. */
const REQUEST_MS = 30_000

/**
 * A client of the Elasticsearch at `url`. It repeats nothing by itself: the sink decides what is sent again.
 */
export function openElasticsearch(url: string): Client {
  return new Client({ node: url, maxRetries: 0, requestTimeout: REQUEST_MS })
}
