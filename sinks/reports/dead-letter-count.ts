import kafkajs from '#runtime/kafkajs.ts'
import type { Log } from '#runtime/log.ts'
import { type DeadLetterTopic, topics } from '#schemas/topics.ts'

const { Kafka, logLevel } = kafkajs

/** How many records were set aside, by application. */
export interface DeadLetterCount {
  /** Undefined until Kafka has been asked for the first time. */
  counts(): Readonly<Record<string, number>> | undefined
  stop(): Promise<void>
}

/**
 * Counts the records of every dead-letter topic by reading them. Offsets would count transaction markers too.
 * Nothing is committed: each start counts from the beginning.
 */
export function countDeadLetters(brokers: readonly string[], log: Log): DeadLetterCount {
  const letterTopics = topics.filter((topic): topic is DeadLetterTopic => topic.kind === 'dead-letters')
  const counted = new Map<string, { next: bigint; count: number }>()
  const kafka = new Kafka({
    clientId: 'tributary-reports',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 300, maxRetryTime: 5_000, retries: 20 },
  })
  const consumer = kafka.consumer({
    groupId: `reports-${process.pid}`,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 5_000,
  })
  let stopped = false
  let known = false
  consumer.on(consumer.events.FETCH, () => {
    known = true
  })

  async function start(): Promise<void> {
    await consumer.connect()
    await consumer.subscribe({ topics: letterTopics.map(({ name }) => name), fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const at = `${batch.topic}/${batch.partition}`
        const seen = counted.get(at) ?? { next: 0n, count: 0 }
        // After a rebalance the same records come again.
        const fresh = batch.messages.filter(({ offset }) => BigInt(offset) >= seen.next)
        counted.set(at, { next: BigInt(batch.lastOffset()) + 1n, count: seen.count + fresh.length })
      },
    })
  }

  async function keepTrying(): Promise<void> {
    while (!stopped) {
      try {
        return await start()
      } catch (error) {
        log.debug({ err: error }, 'dead letters can not be counted yet')
        await new Promise((resolve) => setTimeout(resolve, 2_000).unref())
      }
    }
  }
  void keepTrying()

  return {
    counts() {
      if (!known) return undefined
      const counts: Record<string, number> = {}
      for (const { name, app } of letterTopics) {
        const sum = [...counted].reduce((n, [at, { count }]) => (at.startsWith(`${name}/`) ? n + count : n), 0)
        if (sum > 0) counts[app] = sum
      }
      return counts
    },
    async stop() {
      stopped = true
      await consumer.disconnect().catch(() => {})
    },
  }
}
