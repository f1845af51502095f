import { setTimeout as after } from 'node:timers/promises'
import type { Admin, Kafka } from 'kafkajs'
import { changelogOf, exchangeOf } from '#engine/run/internal-topics'
import { type KafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import { readTopics } from '#runtime/topic-reader'

const CLIENT_ID = 'tributary-reset'
/** Tombstones of one request. */
const AT_A_TIME = 5_000

/** How long the brokers may take to let go of a topic, in ms. */
const GONE_MS = 30_000

/**
 * Forgets all that a processor knows: its positions, its state, and what its workers told one another; and takes back the
 * rows it wrote, of which it wouldn't know that they are no more. At its next start it reads everything again and writes
 * every row again.
 *
 * The changelog goes last of the three: whatever interrupts this, a processor that still has state of before then finds
 * that its exchange topic is another one, and says so instead of taking anything twice. Rows go once the state has: with
 * its state a processor would not write them again.
 * @param rowsTopics what the processor writes
 * @throws Error when a worker runs, or was killed less than ten seconds ago
 */
export async function resetProcessor(brokers: KafkaAt, app: string, rowsTopics: readonly string[]): Promise<void> {
  const { Kafka, logLevel } = kafkajs
  const kafka = new Kafka({ clientId: CLIENT_ID, ...kafkaOptions(brokers), logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  try {
    await checkStopped(admin, app)
    const { groups } = await admin.listGroups()
    if (groups.some(({ groupId }) => groupId === app)) await admin.deleteGroups([app])
    for (const topic of [exchangeOf(app), changelogOf(app)]) await remove(admin, topic)
    const topics = await admin.listTopics()
    const rows = await readRows(
      brokers,
      rowsTopics.filter((topic) => topics.includes(topic)),
    )
    await checkStopped(admin, app)
    await takeBack(kafka, rows)
  } finally {
    await admin.disconnect()
  }
}

/** The place of a row in its topic. */
interface RowPlace {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer
}

/** The rows that topics hold. */
async function readRows(brokers: KafkaAt, topics: readonly string[]): Promise<readonly RowPlace[]> {
  const rows = new Map<string, RowPlace>()
  if (topics.length === 0) return []
  const reader = readTopics({
    brokers,
    clientId: CLIENT_ID,
    topics,
    maxWaitMs: 200,
    take({ topic, partition, messages }) {
      for (const { key, value } of messages) {
        if (key === null) continue
        const name = `${topic}/${partition}/${key.toString('latin1')}`
        if (value === null) rows.delete(name)
        else rows.set(name, { topic, partition, key })
      }
    },
  })
  try {
    while (!reader.caughtUp()) await after(20)
  } finally {
    await reader.stop()
  }
  return [...rows.values()]
}

async function takeBack(kafka: Kafka, rows: readonly RowPlace[]): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  try {
    for (const [topic, ofTopic] of Map.groupBy(rows, ({ topic }) => topic)) {
      for (let at = 0; at < ofTopic.length; at += AT_A_TIME) {
        const messages = ofTopic
          .slice(at, at + AT_A_TIME)
          .map(({ key, partition }) => ({ key, partition, value: null }))
        await producer.send({ topic, acks: -1, messages })
      }
    }
  } finally {
    await producer.disconnect()
  }
}

async function checkStopped(admin: Admin, app: string): Promise<void> {
  const { groups } = await admin.describeGroups([app])
  const members = groups.flatMap((group) => group.members.map(({ clientId }) => clientId))
  if (members.length === 0) return
  throw new Error(
    `"${app}" runs (${members.join(', ')}): stop it first. A worker that was killed counts for ten seconds more`,
  )
}

async function remove(admin: Admin, topic: string): Promise<void> {
  const isThere = async () => (await admin.listTopics()).includes(topic)
  if (!(await isThere())) return
  await admin.deleteTopics({ topics: [topic] })
  const deadline = performance.now() + GONE_MS
  while (await isThere()) {
    if (performance.now() > deadline)
      throw new Error(`topic "${topic}" is still there ${GONE_MS / 1_000} s after it was deleted`)
    await after(100)
  }
}
