import { letterId, OpenLetters } from '#runtime/dead-letters/letter.ts'
import { listOffsets } from '../kafka/admin.ts'
import type { Cluster } from '../kafka/cluster.ts'
import { type FetchLimits, fetchRecords } from '../kafka/fetcher.ts'
import { deadLettersOf, operatorTopic } from './dead-letters.ts'
import type { ParkedPlace, Parking } from './parking.ts'
import type { RowPlace, TaskSet } from './tasks.ts'

/** What waits for somebody to deal with its letter, of which there is none. */
export interface Lost {
  readonly parked: readonly (ParkedPlace & { readonly letter: number })[]
  readonly rows: readonly RowPlace[]
}

const LIMITS: FetchLimits = { maxBytes: 16_000_000, maxPartitionBytes: 4_000_000, maxWaitMs: 100 }

/** What state says waits though its letter isn't among those that a dead-letter topic has. */
export function lostOf(parking: Parking, tasks: TaskSet, letters: OpenLetters): Lost {
  const parked = parking.waiting().filter(({ topic, partition, letter }) => {
    return !letters.has(letterId(topic, partition, letter, null))
  })
  // A row that was given up stays failed in state, and its letter closed.
  const rows = tasks.failedRows().filter(({ operator, partition, key }) => {
    const id = letterId(operatorTopic(operator), partition, -1, key)
    return !letters.has(id) && !letters.isDropped(id)
  })
  return { parked, rows }
}

/**
 * What has lost its letter, with the dead-letter topic that was deleted and made anew: nobody could replay or drop it.
 * Asked between epochs, of state that is up to date.
 */
export async function lostLetters(cluster: Cluster, app: string, parking: Parking, tasks: TaskSet): Promise<Lost> {
  if (parking.size === 0 && !tasks.anyFailed) return { parked: [], rows: [] }
  return lostOf(parking, tasks, await readLetters(cluster, deadLettersOf(app)))
}

/** Up to the end of the log, not of what is committed: the markers of the last epoch may be on their way. */
async function readLetters(cluster: Cluster, topic: string): Promise<OpenLetters> {
  const place = { topic, partition: 0 }
  const offsetOf = async (which: 'earliest' | 'high watermark') =>
    (await listOffsets(cluster, which, [place])).get(`${topic}/0`) ?? 0
  const end = await offsetOf('high watermark')
  const letters = new OpenLetters()
  for (let offset = await offsetOf('earliest'); offset < end; ) {
    const [fetched] = await fetchRecords(cluster, [{ ...place, offset }], LIMITS)
    for (const record of fetched!.records) letters.take({ ...record, headers: record.headers() })
    offset = fetched!.nextOffset
  }
  return letters
}
