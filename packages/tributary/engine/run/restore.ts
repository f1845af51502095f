import { EngineError } from '../errors.ts'
import { listOffsets } from '../kafka/admin.ts'
import type { Cluster } from '../kafka/cluster.ts'
import { type FetchLimits, fetchRecords } from '../kafka/fetcher.ts'

const LIMITS: FetchLimits = { maxBytes: 16_000_000, maxPartitionBytes: 4_000_000, maxWaitMs: 100 }

/**
 * Fills partitions' state from their changelog: everything committed up to the high watermark as it is now (not the
 * last stable offset: commit markers reach partitions one after another). The caller has fetched stable input offsets
 * before, so nothing of the tasks' former owners can be committed any more. Gives the number of records read.
 * @param remedy what people do when the state can't be read
 * @throws EngineError `CHANGELOG_UNREADABLE`: without a part of the state nothing that is made of it would be right
 */
export async function restore(
  cluster: Cluster,
  changelog: string,
  partitions: readonly number[],
  load: (partition: number, key: string, value: string | null) => void,
  remedy: string,
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
      for (const { key, value, offset, unreadable } of records) {
        const place = `offset ${offset} of partition ${partition} of "${changelog}"`
        if (unreadable !== undefined) throw unreadableState(`${place}: ${unreadable}`, remedy)
        if (!key) continue
        try {
          load(partition, key.toString(), value === null ? null : value.toString())
        } catch (error) {
          throw unreadableState(`${place} is no record of state: ${(error as Error).message}`, remedy)
        }
      }
      positions.set(partition, nextOffset)
      read += records.length
    }
  }
}

function unreadableState(what: string, remedy: string): EngineError {
  return new EngineError('CHANGELOG_UNREADABLE', `a part of the state is lost: ${what}. ${remedy}`)
}
