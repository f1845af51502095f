/** One item of a `_bulk` answer, of whatever operation. */
export interface ItemAnswer {
  readonly status: number
  readonly error?: {
    readonly type?: string
    readonly reason?: string
    readonly caused_by?: { readonly reason?: string }
  }
}

/**
 * What an answer means for its document:
 * `applied`; `superseded`: a newer version is there (also: an unanswered attempt had got through);
 * `retry`: the server is busy, send it again, less at a time; `blocked`: not allowed now, wait for an operator;
 * `index-missing`: the index is gone and has to be built again; `refused`: it will never be taken.
 */
export type Verdict = 'applied' | 'superseded' | 'retry' | 'blocked' | 'index-missing' | 'refused'

/** Judges one item's answer by its HTTP status (Elasticsearch's bulk API answers for each item on its own). */
export function judge({ status, error }: ItemAnswer): Verdict {
  if (status >= 200 && status < 300) return 'applied'
  if (status === 409) return 'superseded'
  if (status === 404) return 'index-missing'
  if (status === 429 || status >= 500) return 'retry'
  if (status === 401 || status === 403) return 'blocked'
  // A closed index answers 400, but it is the index's state and not the document that is wrong.
  if (error?.type === 'index_closed_exception') return 'blocked'
  return 'refused'
}

/** Why an item was not taken, in the server's words. */
export function reasonOf({ status, error }: ItemAnswer): string {
  const cause = error?.caused_by?.reason
  return `${status} ${error?.type ?? ''}: ${error?.reason ?? 'no reason given'}${cause ? ` (${cause})` : ''}`
}
