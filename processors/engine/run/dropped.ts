import { readLetter } from '#runtime/dead-letters/letter.ts'
import { listOffsets } from '../kafka/admin.ts'
import type { Cluster } from '../kafka/cluster.ts'
import { fetchRecords } from '../kafka/fetcher.ts'

const LIMITS = { maxBytes: 8_000_000, maxPartitionBytes: 8_000_000, maxWaitMs: 100 }

/**
 * The ids of the letters that were given up, of all that is committed in a dead-letter topic. A worker that reads its
 * inputs again meets their records again: nobody sees such a letter as open, so nothing may wait behind it.
 */
export async function readDropped(cluster: Cluster, topic: string): Promise<ReadonlySet<string>> {
  const dropped = new Set<string>()
  const place = { topic, partition: 0 }
  let offset = (await listOffsets(cluster, 'earliest', [place])).get(`${topic}/0`) ?? 0
  for (;;) {
    const [fetched] = await fetchRecords(cluster, [{ ...place, offset }], LIMITS)
    if (!fetched || fetched.nextOffset === offset) return dropped
    for (const { key, value, headers, offset } of fetched.records) {
      const read = readLetter({ key, value, headers: headers(), offset })
      if (read && 'closing' in read && read.closing.outcome === 'dropped') dropped.add(read.closing.id)
    }
    offset = fetched.nextOffset
  }
}
