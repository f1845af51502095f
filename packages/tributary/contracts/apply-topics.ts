import { setTimeout as after } from 'node:timers/promises'
import kafkajs, { type Admin, Kafka, logLevel } from 'kafkajs'
import { type KafkaAt, kafkaOptions } from '#runtime/kafka-at'
import type { Topic } from './topic.ts'

const LEADERS_MS = 30_000

/** What `applyTopics` found and did. */
export interface TopicsApplied {
  readonly created: readonly string[]
  /** Topics whose settings were brought back to what the system says, as `topic: setting=was → is`. */
  readonly mended: readonly string[]
  readonly unchanged: number
}

/**
 * Creates what is missing and sets drifted settings back. Safe to run again. Throws when a topic has another number
 * of partitions than the system says: keys would move, so that needs a new topic generation, not an `alter`.
 */
export async function applyTopics(brokers: KafkaAt, wanted: readonly Topic[]): Promise<TopicsApplied> {
  const admin = new Kafka({
    clientId: 'tributary-topics',
    ...kafkaOptions(brokers),
    logLevel: logLevel.NOTHING,
  }).admin()
  await admin.connect().catch((cause: Error) => {
    const { brokers: addresses } = kafkaOptions(brokers)
    throw new Error(
      `Kafka at ${addresses} (KAFKA_BROKERS) can't be entered: ${cause.message}; \`npx --no tributary status\``,
      { cause },
    )
  })
  try {
    const existing = new Set(await admin.listTopics())
    const missing = wanted.filter((topic) => !existing.has(topic.name))
    if (missing.length > 0) {
      await admin.createTopics({
        waitForLeaders: false,
        topics: missing.map((topic) => ({
          topic: topic.name,
          numPartitions: topic.partitions,
          replicationFactor: -1,
          configEntries: Object.entries(topic.config).map(([name, value]) => ({ name, value })),
        })),
      })
      await untilLed(
        admin,
        missing.map(({ name }) => name),
      )
    }
    const kept = wanted.filter((topic) => existing.has(topic.name))
    const mended = kept.length > 0 ? await mendDrift(admin, kept) : []
    return {
      created: missing.map((topic) => topic.name),
      mended,
      unchanged: kept.length - new Set(mended.map((m) => m.split(':')[0])).size,
    }
  } finally {
    await admin.disconnect()
  }
}

/**
 * Waits until new topics can be written. A broker that was just told of a topic may say for a moment that it knows none of
 * that name, and kafkajs' own waiting takes that for the end.
 */
export async function untilLed(admin: Pick<Admin, 'fetchTopicMetadata'>, names: string[]): Promise<void> {
  const deadline = Date.now() + LEADERS_MS
  for (;;) {
    const last = await admin.fetchTopicMetadata({ topics: names }).then(
      () => undefined,
      (error: Error) => error,
    )
    if (last === undefined) return
    if (Date.now() > deadline) {
      throw new Error(`topics were made, and can't be written after ${LEADERS_MS / 1000} s: ${last.message}`)
    }
    await after(100)
  }
}

async function mendDrift(admin: Admin, kept: readonly Topic[]): Promise<string[]> {
  const metadata = await admin.fetchTopicMetadata({ topics: kept.map((topic) => topic.name) })
  const partitions = new Map(metadata.topics.map((topic) => [topic.name, topic.partitions.length]))
  const faults = kept.flatMap((topic) => {
    const found = partitions.get(topic.name)
    return found === topic.partitions
      ? []
      : [`topic "${topic.name}" has ${found} partitions, topics.ts says ${topic.partitions}`]
  })
  if (faults.length > 0) throw new Error(`${faults.join('; ')}: a topic never grows, make a new generation of it`)

  // Node finds only some of this CommonJS package's names.
  const type = kafkajs.ConfigResourceTypes.TOPIC
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: kept.map((topic) => ({ type, name: topic.name, configNames: Object.keys(topic.config) })),
  })
  const mended: string[] = []
  for (const topic of kept) {
    const found = new Map(
      described.resources
        .find((r) => r.resourceName === topic.name)
        ?.configEntries.map((e) => [e.configName, e.configValue]),
    )
    const drifted = Object.entries(topic.config).filter(([name, value]) => found.get(name) !== value)
    if (drifted.length === 0) continue
    const configEntries = Object.entries(topic.config).map(([name, value]) => ({ name, value }))
    await admin.alterConfigs({ validateOnly: false, resources: [{ type, name: topic.name, configEntries }] })
    mended.push(...drifted.map(([name, value]) => `${topic.name}: ${name}=${found.get(name)} → ${value}`))
  }
  return mended
}
