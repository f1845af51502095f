import type { Message, Producer } from 'kafkajs'
import { deadLettersOf, inboxApp, type ServiceName } from '#schemas/topics.ts'
import type { ParkedRecord } from './parking.ts'

/** Takes what could not be handled. Sending the same again is harmless: the parked table is what counts. */
export interface DeadLetters {
  send(parked: readonly ParkedRecord[]): Promise<void>
}

/** The dead-letter topic of a service's inbox: the original bytes, and headers that say where from, when and why. */
export function deadLettersOn(producer: Producer, service: ServiceName): DeadLetters {
  const app = inboxApp(service)
  const topic = deadLettersOf(app).name
  return {
    async send(parked) {
      const at = new Date().toISOString()
      await producer.send({ topic, acks: -1, messages: parked.map((each) => deadLetter(each, app, at)) })
    },
  }
}

function deadLetter({ record: { raw }, fault }: ParkedRecord, app: string, at: string): Message {
  return {
    key: raw.key,
    value: raw.value,
    headers: {
      ...raw.headers,
      dl_topic: raw.topic,
      dl_partition: String(raw.partition),
      dl_offset: String(raw.offset),
      dl_timestamp: String(raw.timestamp),
      dl_app: app,
      dl_reason: fault.reason,
      dl_message: fault.message,
      dl_at: at,
    },
  }
}
