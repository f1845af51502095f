import type { IHeaders, Message, Producer } from 'kafkajs'
import { inboxApp } from '#contracts/apps'
import { deadLettersOf } from '#contracts/topic'
import {
  closingRecord,
  type LetterRecord,
  letterId,
  letterRecord,
  type Outcome,
  type Reason,
} from '#runtime/dead-letters/letter'
import type { RawRecord } from './record.ts'

/** A record that was set aside for a fault of its own. */
export interface SetAside {
  readonly raw: RawRecord
  readonly reason: Reason
  readonly message: string
}

/** The dead letters of an inbox. Sending the same again is harmless. */
export interface DeadLetters {
  send(records: readonly SetAside[]): Promise<void>
  /** Says of letters how they were dealt with. */
  close(ids: readonly string[], outcome: Outcome, message: string): Promise<void>
}

/** A letter's id. */
export const idOf = ({ topic, partition, offset, key }: Pick<RawRecord, 'topic' | 'partition' | 'offset' | 'key'>) =>
  letterId(topic, partition, Number(offset), key)

/** The dead-letter topic of a service's inbox. */
export function deadLettersOn(producer: Producer, service: string): DeadLetters {
  const app = inboxApp(service)
  const topic = deadLettersOf(app).name
  const write = async (records: readonly LetterRecord[]) => {
    if (records.length > 0) await producer.send({ topic, acks: -1, messages: records.map(messageOf) })
  }
  return {
    send: (records) =>
      write(
        records.map(({ raw, reason, message }) => {
          const { topic, partition, timestamp, key, value } = raw
          const place = { topic, partition, offset: Number(raw.offset), timestamp, key, value }
          return letterRecord({ id: idOf(raw), app, ...place, reason, message, headers: headersOf(raw) }, new Date())
        }),
      ),
    close: (ids, outcome, message) => write(ids.map((id) => closingRecord({ id, app, outcome, message }, new Date()))),
  }
}

function headersOf({ headers }: RawRecord): [string, Buffer][] {
  return Object.entries(headers).flatMap(([name, content]) =>
    [content ?? []].flat().map((one): [string, Buffer] => [name, Buffer.from(one)]),
  )
}

function messageOf({ key, value, headers }: LetterRecord): Message {
  const byName: IHeaders = {}
  for (const [name, content] of headers) {
    const before = byName[name]
    byName[name] = before === undefined ? content : [...[before].flat(), content]
  }
  return { key, value, headers: byName }
}
