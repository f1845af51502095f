import { listOffsets } from '../../packages/tributary/engine/kafka/admin.ts'
import { Cluster } from '../../packages/tributary/engine/kafka/cluster.ts'
import { fetchRecords } from '../../packages/tributary/engine/kafka/fetcher.ts'
import { topics } from '../harness/marketplace.ts'

/** A record as a reader sees it. */
export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

const LIMITS = { maxBytes: 16_000_000, maxPartitionBytes: 4_000_000, maxWaitMs: 100 }

/**
 * Every committed record of a topic of topics.ts, up to its end as it is now, partition by partition in order. It joins no group;
 * transaction markers at the end don't hold it up.
 */
export async function readTopic(stack: { urls: { kafka: string } }, topic: string): Promise<ReadRecord[]> {
  const cluster = new Cluster({ brokers: [stack.urls.kafka], clientId: 'reader' })
  try {
    await cluster.learn([topic])
    const partitions = topics.find(({ name }) => name === topic)!.partitions
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
    const ends = await listOffsets(cluster, 'high watermark', all)
    const positions = await listOffsets(cluster, 'earliest', all)
    const records: ReadRecord[] = []
    for (;;) {
      const behind = all
        .map(({ partition }) => ({ topic, partition, offset: positions.get(`${topic}/${partition}`) ?? 0 }))
        .filter(({ partition, offset }) => offset < (ends.get(`${topic}/${partition}`) ?? 0))
      if (behind.length === 0) return records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
      for (const { partition, records: read, nextOffset } of await fetchRecords(cluster, behind, LIMITS)) {
        positions.set(`${topic}/${partition}`, nextOffset)
        for (const { offset, key, value, headers } of read) {
          const named = Object.fromEntries(headers().map(([name, text]) => [String(name), String(text)]))
          records.push({
            partition,
            offset,
            key: key?.toString() ?? '',
            value: value && Buffer.from(value),
            headers: named,
          })
        }
      }
    }
  } finally {
    await cluster.close()
  }
}
