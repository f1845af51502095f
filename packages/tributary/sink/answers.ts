/** One item of a `_bulk` answer, of whatever operation. */
export interface ItemAnswer {
  readonly status: number
  /** The index that was written to, by its own name. */
  readonly _index?: string
  readonly result?: string
  readonly error?: {
    readonly type?: string
    readonly reason?: string
    readonly caused_by?: { readonly type?: string; readonly reason?: string }
    /** Which step of an ingest pipeline failed, in the headers of its error. */
    readonly header?: Readonly<Record<string, unknown>>
  }
}

/**
 * What an answer means for its document:
 * `applied`; `superseded`: a newer version is there (also: an unanswered attempt had got through);
 * `refused`: the document itself is at fault and will never be taken;
 * `busy`: send it again, less at a time; `blocked`: something else than the document is at fault, a person has to mend
 * it; `unclear`: refused for a reason that may be the document's or not: it is the document's where the same index
 * takes others; `index-missing`: the index is gone and has to be built again.
 */
export type Verdict = 'applied' | 'superseded' | 'refused' | 'busy' | 'blocked' | 'unclear' | 'index-missing'

/** Errors that say that the document doesn't fit its index. Whatever isn't listed may lie anywhere else. */
const ITS_OWN_FAULT: ReadonlySet<string> = new Set([
  'document_parsing_exception',
  'mapper_parsing_exception',
  'strict_dynamic_mapping_exception',
  'max_bytes_length_exceeded_exception',
])

/** Judges one item's answer (Elasticsearch's bulk API answers for each item on its own). */
export function judge({ status, result, error }: ItemAnswer): Verdict {
  // An ingest pipeline dropped it: the document is not in the index, though nothing failed.
  if (result === 'noop') return 'blocked'
  if (status >= 200 && status < 300) return 'applied'
  if (status === 409 && (error?.type ?? VERSION_CONFLICT) === VERSION_CONFLICT) return 'superseded'
  if (status === 404 && (error?.type ?? INDEX_NOT_FOUND) === INDEX_NOT_FOUND) return 'index-missing'
  if (status === 429 || status >= 500) return fromPipeline(error) ? 'blocked' : 'busy'
  if (status !== 400 && status !== 413) return 'blocked'
  if (error?.type === 'index_closed_exception' || fromPipeline(error) || namesSetting(error)) return 'blocked'
  const types = [error?.type, error?.caused_by?.type]
  return types.some((type) => type !== undefined && ITS_OWN_FAULT.has(type)) ? 'refused' : 'unclear'
}

const VERSION_CONFLICT = 'version_conflict_engine_exception'
const INDEX_NOT_FOUND = 'index_not_found_exception'

/** A step of a pipeline failed, or there is no pipeline of the name that an index's settings give. */
function fromPipeline(error: ItemAnswer['error']): boolean {
  if (error?.header && 'processor_type' in error.header) return true
  const text = `${error?.type} ${error?.reason}`
  return /pipeline with id \[|ingest_processor|fail_processor/.test(text)
}

/** A limit of the index was met. Ours are set so that no record reaches them: somebody lowered it. */
function namesSetting(error: ItemAnswer['error']): boolean {
  return /\[index\.mapping\.[a-z_.]+\]/.test(`${error?.reason} ${error?.caused_by?.reason}`)
}

/** Why an item was not taken, in the server's words. */
export function reasonOf({ status, result, error }: ItemAnswer): string {
  if (result === 'noop') return 'an ingest pipeline drops it (index.default_pipeline or index.final_pipeline)'
  const cause = error?.caused_by?.reason
  return `${status} ${error?.type ?? ''}: ${error?.reason ?? 'no reason given'}${cause ? ` (${cause})` : ''}`
}
