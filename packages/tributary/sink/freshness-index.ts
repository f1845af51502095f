import { type Client, errors } from '@elastic/elasticsearch'

export const FRESHNESS_INDEX = 'freshness'

/** What dashboards show as "data as of": one document per read model, its name is the `_id`. */
export interface FreshnessDocument {
  readonly readModel: string
  /** Everything committed in any service's database before this is searchable; ISO 8601 in UTC, null when not known. */
  readonly completeThrough: string | null
  /** The id (`index.uuid`) of the index that this is true of; null when nothing is known. */
  readonly index: string | null
  /** How many keys are set aside as dead letters, and so missing all the same. */
  readonly exceptCount: number
}

/** The index with the claims. */
export interface FreshnessIndex {
  /**
   * Writes what changed, and makes the index where it is missing. A claim that somebody withdrew meanwhile stays
   * withdrawn: it is written again with the next call, which knows more.
   */
  write(documents: readonly FreshnessDocument[]): Promise<void>
}

interface Place {
  readonly if_seq_no: number
  readonly if_primary_term: number
}

/** Opens the claims' index for the one process that writes them. */
export function openFreshnessIndex(client: Client): FreshnessIndex {
  let ensured = false
  const written = new Map<string, { readonly text: string; readonly place: Place }>()

  async function write(documents: readonly FreshnessDocument[]): Promise<void> {
    if (!ensured) await ensureFreshnessIndex(client)
    ensured = true
    const changed = documents.filter((document) => written.get(document.readModel)?.text !== JSON.stringify(document))
    if (changed.length === 0) return
    // A claim that is taken back must not be read any more; one that moves on may come a little later.
    const takenBack = changed.some((document) => document.completeThrough === null)
    const { items } = await client.bulk({
      index: FRESHNESS_INDEX,
      refresh: takenBack,
      operations: changed.flatMap((document) => [
        { index: { _id: document.readModel, ...written.get(document.readModel)?.place } },
        document,
      ]),
    })
    for (const [i, item] of items.entries()) {
      const { readModel } = changed[i]!
      const { status, error, _seq_no, _primary_term } = item.index!
      if (error && status !== 409) throw new Error(`index "${FRESHNESS_INDEX}" refuses a document: ${error.reason}`)
      if (error) written.delete(readModel)
      else {
        const place = { if_seq_no: _seq_no!, if_primary_term: _primary_term! }
        written.set(readModel, { text: JSON.stringify(changed[i]), place })
      }
    }
  }

  return {
    async write(documents) {
      try {
        await write(documents)
      } catch (error) {
        // The index may be gone, and with it what was written.
        ensured = false
        written.clear()
        throw error
      }
    },
  }
}

/**
 * Takes back what was said of a read model, at once and for every reader: before an index that isn't complete yet takes
 * the place of one that was.
 */
export async function withdrawClaim(client: Client, readModel: string): Promise<void> {
  try {
    await client.update({
      index: FRESHNESS_INDEX,
      id: readModel,
      refresh: true,
      retry_on_conflict: 5,
      doc: { completeThrough: null, index: null },
    })
  } catch (error) {
    // Nothing was said yet.
    if (error instanceof errors.ResponseError && error.statusCode === 404) return
    throw error
  }
}

/** Makes the index when there is none, and gives an older one the fields it lacks. */
async function ensureFreshnessIndex(client: Client): Promise<void> {
  const properties = {
    readModel: { type: 'keyword' },
    completeThrough: { type: 'date' },
    index: { type: 'keyword' },
    exceptCount: { type: 'integer' },
  } as const
  try {
    await client.indices.create({
      index: FRESHNESS_INDEX,
      wait_for_active_shards: 1,
      // Written every second: a refresh each time would cost as much as that of a read model, for four short documents.
      settings: { number_of_shards: 1, number_of_replicas: 0, refresh_interval: '5s' },
      mappings: { dynamic: 'strict', properties },
    })
  } catch (error) {
    if (!(error instanceof errors.ResponseError && error.message.includes('resource_already_exists'))) throw error
    await client.indices.putMapping({ index: FRESHNESS_INDEX, properties })
  }
}
