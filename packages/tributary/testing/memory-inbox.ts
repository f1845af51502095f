import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'
import type { Codec } from '#contracts/codec'
import { partitionOf } from '#engine/run/partitioner'
import { applyRecords, type Outcome } from '#inbox/apply'
import { type RawRecord, readRecord } from '#inbox/record'
import type { ServiceDefinition } from '#service/definition'
import type { Tombstone, TopicEvent } from './records.ts'

/** A record that an inbox set aside. */
export interface InboxLetter {
  readonly topic: string
  readonly key: string
  readonly reason: string
  readonly message: string
}

/** A service's inbox whose topics are lists: what comes after Kafka is the inbox's own. */
export function memoryInbox(service: ServiceDefinition, db: Knex, codec: Codec) {
  const deadLetters: InboxLetter[] = []
  /** The records that stand on topics, by the value they were given as. */
  const records = new WeakMap<object, RawRecord>()
  const ends = new Map<string, bigint>()

  function append(given: TopicEvent | Tombstone, republished: boolean): RawRecord {
    const { topic, key } = given
    const partition = partitionOf(key, topic.partitions)
    const offset = ends.get(`${topic.name}/${partition}`) ?? 0n
    ends.set(`${topic.name}/${partition}`, offset + 1n)
    const headers = { ce_id: randomUUID(), ...(republished && { ce_republished: 'true' }) }
    const place = { topic: topic.name, partition, offset, timestamp: Date.now(), key: Buffer.from(key) }
    if ('erased' in given) return { ...place, value: null, headers }
    const contract = given.topic.events[given.name]
    if (!contract) throw new Error(`"${given.name}" is not an event of topic "${topic.name}"`)
    return { ...place, value: codec.encode(contract, given.data), headers: { ...headers, ce_type: contract.name } }
  }

  return {
    deadLetters: deadLetters as readonly InboxLetter[],
    async deliver(given: TopicEvent | Tombstone, options: { readonly republished?: boolean } = {}): Promise<Outcome> {
      const subscription = service.subscriptions.find(({ topic }) => topic.name === given.topic.name)
      if (!subscription) throw new Error(`service "${service.name}" doesn't subscribe to "${given.topic.name}"`)
      const raw = records.get(given) ?? append(given, options.republished ?? false)
      records.set(given, raw)
      let became: Outcome = 'passed'
      const context = {
        db,
        subscription,
        deadLetters: {
          send: async (letters: readonly { raw: RawRecord; reason: string; message: string }[]) => {
            for (const { raw, reason, message } of letters)
              deadLetters.push({ topic: raw.topic, key: String(raw.key), reason, message })
          },
          close: async () => {},
        },
        // A handler that fails in a test fails again.
        retryPauses: [],
        counted: (outcome: Outcome) => {
          became = outcome
        },
      }
      await applyRecords(context, [await readRecord(raw, subscription, codec)])
      return became
    },
  }
}
