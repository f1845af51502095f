import { type Client, errors } from '@elastic/elasticsearch'

export const FRESHNESS_INDEX = 'freshness'

/** What dashboards show as "data as of": one document per read model, its name is the `_id`. */
export interface FreshnessDocument {
  readonly readModel: string
  /** Everything committed in any service's database before this is searchable; ISO 8601 in UTC, null when not known. */
  readonly completeThrough: string | null
}

/** Writes the documents, and makes the index where it is missing. */
export async function writeFreshness(client: Client, documents: readonly FreshnessDocument[]): Promise<void> {
  const operations = documents.flatMap((document) => [{ index: { _id: document.readModel } }, document])
  const answer = await client.bulk({ index: FRESHNESS_INDEX, operations }).catch((error) => {
    if (error instanceof errors.ResponseError && error.statusCode === 404) return { errors: true, items: [] }
    throw error
  })
  if (!answer.errors) return
  const exists = await client.indices.exists({ index: FRESHNESS_INDEX })
  if (exists) throw new Error(`index "${FRESHNESS_INDEX}" refuses documents: ${JSON.stringify(answer.items)}`)
  await ensureFreshnessIndex(client)
  await client.bulk({ index: FRESHNESS_INDEX, operations })
}

/** Makes the index when there is none. */
export async function ensureFreshnessIndex(client: Client): Promise<void> {
  try {
    await client.indices.create({
      index: FRESHNESS_INDEX,
      wait_for_active_shards: 1,
      // Written every second: a refresh each time would cost as much as that of a read model, for four short documents.
      settings: { number_of_shards: 1, number_of_replicas: 0, refresh_interval: '5s' },
      mappings: {
        dynamic: 'strict',
        properties: { readModel: { type: 'keyword' }, completeThrough: { type: 'date' } },
      },
    })
  } catch (error) {
    if (error instanceof errors.ResponseError && error.message.includes('resource_already_exists')) return
    throw error
  }
}
