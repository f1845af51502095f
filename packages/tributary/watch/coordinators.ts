import { type KafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import type { Finding } from './findings.ts'

/** After a broker's start its coordinators read their topics; that long it may take, in ms. */
const LOADING_MS = 30_000

/** By consumer group that the broker doesn't coordinate: what it says instead. */
export type Uncoordinated = ReadonlyMap<string, string>

/** Asks the brokers for each group. A group that doesn't exist is coordinated: it has no members. */
export async function findUncoordinated(brokers: KafkaAt, groups: Iterable<string>): Promise<Uncoordinated> {
  const kafka = new kafkajs.Kafka({
    clientId: 'tributary-watch',
    ...kafkaOptions(brokers),
    logLevel: kafkajs.logLevel.NOTHING,
    // The first group that is asked for has the client get to know the brokers.
    retry: { initialRetryTime: 100, retries: 2 },
  })
  const admin = kafka.admin()
  await admin.connect()
  try {
    const found = new Map<string, string>()
    for (const group of groups) {
      await admin.describeGroups([group]).catch((error) => found.set(group, (error as Error).message))
    }
    return found
  } finally {
    await admin.disconnect()
  }
}

/**
 * Knows since when groups have had no coordinator. Kafka 4.2's may stay so after a broker was killed: its former life's
 * load of a partition of `__consumer_offsets` is taken for the one that is under way (docs/decisions.md).
 */
export class CoordinatorsWatch {
  readonly #since = new Map<string, number>()

  /** @param now in ms */
  look(found: Uncoordinated, now: number): Finding | undefined {
    for (const group of this.#since.keys()) if (!found.has(group)) this.#since.delete(group)
    for (const group of found.keys()) if (!this.#since.has(group)) this.#since.set(group, now)
    const long = [...this.#since].filter(([, since]) => now - since >= LOADING_MS)
    if (long.length === 0) return undefined
    const [first] = long as [[string, number], ...unknown[]]
    const seconds = Math.round((now - Math.min(...long.map(([, since]) => since))) / 1_000)
    return {
      part: 'kafka',
      what: `the broker has not coordinated ${long.map(([group]) => `"${group}"`).join(', ')} for ${seconds} s (${found.get(first[0])}): their members stand still`,
      remedy: '`npx --no tributary restart kafka` (with Docker: `docker compose restart kafka`)',
      unwell: true,
    }
  }
}
