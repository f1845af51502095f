import { setTimeout as after } from 'node:timers/promises'
import type { Admin } from 'kafkajs'

/** Where a topic's partitions begin and end: offsets by partition. */
export interface Extent {
  readonly low: bigint
  readonly high: bigint
}

/** The first offset and the high watermark of each partition. */
export async function extentOf(admin: Admin, topic: string): Promise<Map<number, Extent>> {
  const offsets = await admin.fetchTopicOffsets(topic)
  return new Map(offsets.map((o) => [o.partition, { low: BigInt(o.low), high: BigInt(o.high) }]))
}

/** The group's committed positions on a topic; partitions without one are left out. */
export async function committedOn(admin: Admin, groupId: string, topic: string): Promise<Map<number, bigint>> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const committed = found?.partitions.filter((p) => BigInt(p.offset) >= 0n) ?? []
  return new Map(committed.map((p) => [p.partition, BigInt(p.offset)]))
}

/** How long to wait for a killed predecessor's membership to end, in ms. */
const EMPTY_GROUP_MS = 60_000

/**
 * Sets the group's positions on a topic back to the start. Kafka allows it only while the group has no members, so
 * this waits for a killed predecessor to be forgotten. Throws when the group keeps having members.
 */
export async function rewind(admin: Admin, groupId: string, topic: string, signal: AbortSignal): Promise<void> {
  if ((await committedOn(admin, groupId, topic)).size === 0) return
  const deadline = performance.now() + EMPTY_GROUP_MS
  for (;;) {
    const { groups } = await admin.describeGroups([groupId])
    if (!groups.some((group) => group.members.length > 0)) break
    if (performance.now() > deadline)
      throw new Error(`group "${groupId}" has members: stop the other sink, "${topic}" has to be read from the start`)
    await after(500, undefined, { signal })
  }
  const partitions = [...(await extentOf(admin, topic))].map(([partition, { low }]) => ({
    partition,
    offset: String(low),
  }))
  await admin.setOffsets({ groupId, topic, partitions })
}

/** Whether the group's committed positions on a topic are at or past the ends of an extent noted before. */
export async function hasReached(
  admin: Admin,
  groupId: string,
  topic: string,
  extent: ReadonlyMap<number, Extent>,
): Promise<boolean> {
  const committed = await committedOn(admin, groupId, topic)
  return [...extent].every(([partition, { low, high }]) => high === low || (committed.get(partition) ?? -1n) >= high)
}
