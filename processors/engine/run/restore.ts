import { listOffsets } from '../kafka/admin.ts'
import type { Cluster } from '../kafka/cluster.ts'
import { type FetchLimits, fetchRecords } from '../kafka/fetcher.ts'

const LIMITS: FetchLimits = { maxBytes: 16_000_000, maxPartitionBytes: 4_000_000, maxWaitMs: 100 }

/**
 * Fills partitions' state from their changelog: everything committed up to the high watermark as it is now (not the
 * last stable offset: commit markers reach partitions one after another). The caller has fetched stable input offsets
 * before, so nothing of the tasks' former owners can be committed any more. Gives the number of records read.
 */
export async function restore(
  cluster: Cluster,
  changelog: string,
  partitions: readonly number[],
  load: (partition: number, key: string, value: string | null) => void,
): Promise<number> {
  const wanted = partitions.map((partition) => ({ topic: changelog, partition }))
  const starts = await listOffsets(cluster, 'earliest', wanted)
  const ends = await listOffsets(cluster, 'high watermark', wanted)
  const placeOf = (partition: number) => `${changelog}/${partition}`
  const positions = new Map(partitions.map((p) => [p, starts.get(placeOf(p)) ?? 0]))
  let read = 0
  for (;;) {
    const behind = [...positions]
      .filter(([partition, offset]) => offset < (ends.get(placeOf(partition)) ?? 0))
      .map(([partition, offset]) => ({ topic: changelog, partition, offset }))
    if (behind.length === 0) return read
    for (const { partition, records, nextOffset } of await fetchRecords(cluster, behind, LIMITS)) {
      for (const { key, value } of records) {
        if (key) load(partition, key.toString(), value === null ? null : value.toString())
      }
      positions.set(partition, nextOffset)
      read += records.length
    }
  }
}
