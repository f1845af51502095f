import { letterId, OpenLetters } from '#runtime/dead-letters/letter'
import { listOffsets } from '../kafka/admin.ts'
import type { Cluster } from '../kafka/cluster.ts'
import { type FetchLimits, fetchRecords } from '../kafka/fetcher.ts'
import { type DeadLetter, operatorTopic } from './dead-letters.ts'
import type { ParkedPlace, Parking } from './parking.ts'
import type { RowPlace, TaskSet } from './tasks.ts'

/**
 * What waits for somebody to deal with its letter, of which there is none: it was lost with a dead-letter topic that was
 * deleted and made anew.
 */
export interface Lost {
  readonly parked: readonly (ParkedPlace & { readonly letter: number })[]
  readonly rows: readonly RowPlace[]
}

const LIMITS: FetchLimits = { maxBytes: 16_000_000, maxPartitionBytes: 4_000_000, maxWaitMs: 100 }

/** What state says waits, between epochs, though its letter isn't among those that the dead-letter topic has. */
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
 * Tells of which records the letters were given up: a worker whose state begins anew meets them again. `ids` are those of
 * the topics that it reads.
 */
export function wasDropped(letters: OpenLetters, ids: ReadonlyMap<string, string>): (letter: DeadLetter) => boolean {
  return ({ topic, partition, offset }) => {
    const id = letterId(topic, partition, offset, null)
    const topicId = ids.get(topic)
    return topicId !== undefined && letters.wasDropped({ id, topicId, offset })
  }
}

/** Up to the end of the log, not of what is committed: the markers of the last epoch may be on their way. */
export async function readLetters(cluster: Cluster, topic: string): Promise<OpenLetters> {
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
