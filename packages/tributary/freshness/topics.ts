import type { Admin } from 'kafkajs'
import { type KafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import { readStamp } from '#runtime/stamp'
import { topicIdOf } from '#runtime/topic-id'

const { Kafka, logLevel } = kafkajs

/** A noted high watermark of each partition that has ever held anything. */
export type Marks = ReadonlyMap<string, ReadonlyMap<number, bigint>>

/** What freshness asks the brokers. */
export interface Brokers {
  topicsWithPrefix(prefix: string): Promise<string[]>
  /** The high watermarks now. Topics that don't exist are left out. */
  highWatermarks(topics: readonly string[]): Promise<Marks>
  /** The topics on which the group's committed positions lie before the marks. */
  behind(groupId: string, marks: Marks): Promise<string[]>
  /** Which of the topics were made anew since the processor knew them, by the stamps of its group; and which all are now. */
  known(groupId: string, topics: readonly string[]): Promise<Known>
  close(): Promise<void>
}

export interface Known {
  /** Topics that the processor's state and positions aren't of, or whose rows it hasn't written again yet. */
  readonly madeAnew: readonly string[]
  /** The ids of all of them, as they are. */
  readonly ids: string
  /** Whether the group has committed anything: one that was reset hasn't, and its rows were taken back. */
  readonly started: boolean
}

/** Connects to the brokers. Throws when none answers. */
export async function openBrokers(brokers: KafkaAt): Promise<Brokers> {
  const kafka = new Kafka({
    clientId: 'tributary-freshness',
    ...kafkaOptions(brokers),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 3 },
  })
  const admin = kafka.admin()
  await admin.connect()
  return {
    topicsWithPrefix: async (prefix) => (await admin.listTopics()).filter((topic) => topic.startsWith(prefix)).sort(),
    highWatermarks: async (topics) =>
      new Map(await Promise.all(topics.map(async (topic) => [topic, await watermarksOf(admin, topic)] as const))),
    async behind(groupId, marks) {
      const wanted = [...marks].filter(([, partitions]) => partitions.size > 0)
      if (wanted.length === 0) return []
      const offsets = await admin.fetchOffsets({ groupId, topics: wanted.map(([topic]) => topic) })
      const committed = new Map(
        offsets.map(({ topic, partitions }) => [
          topic,
          new Map(partitions.map(({ partition, offset }) => [partition, BigInt(offset)])),
        ]),
      )
      return wanted
        .filter(([topic, partitions]) =>
          [...partitions].some(([partition, mark]) => (committed.get(topic)?.get(partition) ?? -1n) < mark),
        )
        .map(([topic]) => topic)
    },
    async known(groupId, topics) {
      const offsets = await admin.fetchOffsets({ groupId })
      const metadata = offsets.flatMap(({ partitions }) => partitions.map(({ metadata }) => metadata ?? ''))
      const stamps = metadata.filter((text) => text !== '').map(readStamp)
      const ids = await Promise.all(topics.map(async (topic) => (await topicIdOf(brokers, topic)) ?? 'missing'))
      const madeAnew = topics.filter((topic, nth) =>
        stamps.some(({ topics }) => (topics.get(topic)?.replaceAll('-', '') ?? ids[nth]) !== ids[nth]),
      )
      return { madeAnew, ids: ids.join(), started: stamps.length > 0 }
    },
    close: () => admin.disconnect(),
  }
}

async function watermarksOf(admin: Admin, topic: string): Promise<Map<number, bigint>> {
  const offsets = await admin.fetchTopicOffsets(topic)
  const some = offsets.filter(({ high }) => high !== '0')
  return new Map(some.map(({ partition, high }) => [partition, BigInt(high)]))
}

/** Whether two sets of marks are the same. */
export function sameMarks(a: Marks, b: Marks): boolean {
  if (a.size !== b.size) return false
  return [...a].every(([topic, partitions]) => {
    const others = b.get(topic)
    return others?.size === partitions.size && [...partitions].every(([p, mark]) => others.get(p) === mark)
  })
}
