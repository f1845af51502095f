import type { Kafka, KafkaMessage, Producer } from 'kafkajs'
import { deadLettersOf, sinkApp } from '#schemas/topics.ts'

/** Why a record can't become a document. */
export type Reason =
  | 'undecodable'
  | 'unknown-schema'
  | 'wrong-type'
  | 'key-missing'
  | 'key-not-utf8'
  | 'key-too-long'
  | 'key-mismatch'
  | 'refused'

/** A record that was set aside, with where it stood. */
export interface DeadLetter {
  readonly topic: string
  readonly partition: number
  readonly message: KafkaMessage
  readonly reason: Reason
  /** What is wrong with it, for a person. */
  readonly explanation: string
}

/** The sink's dead-letter topic: the record's own bytes and headers, and headers that say where from, when and why. */
export interface DeadLetters {
  /** Resolves when they are stored. */
  send(letters: readonly DeadLetter[]): Promise<void>
  close(): Promise<void>
}

/** Opens the sink's dead-letter topic for writing. */
export async function openDeadLetters(kafka: Kafka): Promise<DeadLetters> {
  const { name: topic } = deadLettersOf(sinkApp)
  const producer: Producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  return {
    async send(letters) {
      if (letters.length === 0) return
      await producer.send({
        topic,
        acks: -1,
        messages: letters.map((letter) => ({
          key: letter.message.key,
          value: letter.message.value,
          headers: headersOf(letter),
        })),
      })
    },
    close: () => producer.disconnect(),
  }
}

/** The headers of a dead letter: the record's own, and `dl_…`. */
export function headersOf({ topic, partition, message, reason, explanation }: DeadLetter) {
  return {
    ...message.headers,
    dl_topic: topic,
    dl_partition: String(partition),
    dl_offset: message.offset,
    dl_timestamp: message.timestamp,
    dl_app: sinkApp,
    dl_reason: reason,
    dl_message: explanation,
    dl_at: new Date().toISOString(),
  }
}
