import type { NewRecord } from '../kafka/records.ts'

/** Why a record couldn't be worked on. */
export type DeadLetterReason =
  /** The bytes aren't a value in the registry's wire format, or not of the schema they name. */
  | 'unreadable'
  /** The registry has no schema of that id. */
  | 'unknown-schema'
  /** A value of a type that doesn't belong on the topic. */
  | 'unexpected-type'
  /** The record has no key. */
  | 'no-key'
  /** A function of the topology threw. */
  | 'author-error'
  /** The row that was made doesn't fit its topic's schema. */
  | 'invalid-row'

export interface DeadLetter {
  readonly reason: DeadLetterReason
  readonly message: string
  /** Where the record was; for a row inside the topology, its operator, as `operator:<name>`. */
  readonly topic: string
  readonly partition: number
  /** -1 where there is no record. */
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | string | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [string, Buffer])[]
}

/** The record for an app's dead-letter topic: key, value and headers as they were, and where from, when and why. */
export function deadLetterRecord(app: string, letter: DeadLetter, now: Date): NewRecord {
  const notes = {
    dl_topic: letter.topic,
    dl_partition: String(letter.partition),
    dl_offset: String(letter.offset),
    dl_timestamp: String(letter.timestamp),
    dl_app: app,
    dl_reason: letter.reason,
    dl_message: letter.message,
    dl_at: now.toISOString(),
  }
  const headers = Object.entries(notes).map(([name, text]) => [name, Buffer.from(text)] as const)
  return {
    topic: `${app}.dead-letters`,
    partition: 0,
    key: letter.key,
    value: letter.value,
    headers: [...letter.headers, ...headers],
  }
}

/** The dead letter of a row that could not be made, or that does not fit the schema of its topic. */
export function rowLetter(
  reason: 'author-error' | 'invalid-row',
  operator: string,
  partition: number,
  key: string,
  error: unknown,
): DeadLetter {
  return {
    reason,
    message: error instanceof Error ? error.message : String(error),
    topic: `operator:${operator}`,
    partition,
    offset: -1,
    timestamp: Date.now(),
    key,
    value: null,
    headers: [],
  }
}
