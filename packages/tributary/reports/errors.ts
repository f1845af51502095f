import { errors } from '@elastic/elasticsearch'
import { Problem } from '#runtime/http/problem'
import { Busy } from './busy.ts'
import { TooSlow } from './documents.ts'

/** Nothing is there under this name. */
export const notFound = (detail: string) => new Problem(404, { code: 'not_found', detail })

/** What errors of the search are to the one who asked: what Elasticsearch says of itself stays in the log. */
export function explain(error: Error): Problem | undefined {
  const unavailable = (code: string, detail: string, retryable = true) =>
    new Problem(503, { code, detail, retryable }, { cause: error })
  if (error instanceof Busy) return unavailable('busy', 'Too much is asked for at the moment: try again.')
  if (error instanceof TooSlow || error instanceof errors.TimeoutError)
    return unavailable('too_slow', 'This took too long: a filter or a longer word makes it lighter.', false)
  if (error instanceof errors.ResponseError && error.statusCode === 404)
    return unavailable('no_index', 'There is no data yet: the indices are being built.')
  if (error instanceof errors.ResponseError)
    return unavailable('search_failed', 'Elasticsearch can’t answer this at the moment.')
  if (error instanceof errors.ElasticsearchClientError)
    return unavailable('search_away', 'Elasticsearch doesn’t answer.')
  return undefined
}
