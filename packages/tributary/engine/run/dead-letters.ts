import {
  type Closing,
  type Letter,
  type LetterRecord,
  letterId,
  letterRecord,
  type Reason,
} from '#runtime/dead-letters/letter'
import type { FetchedRecord, NewRecord } from '../kafka/records.ts'
import { reasonOf } from '../state/plain-data.ts'

/** A letter as the run makes it: which application it is of, and its id, are added when it is written. */
export type DeadLetter = Omit<Letter, 'id' | 'app'>

/** What an epoch sets aside, and what it closes. */
export interface Aside {
  readonly letters: DeadLetter[]
  readonly closings: Omit<Closing, 'app'>[]
}

/** The name of an app's dead-letter topic. */
export const deadLettersOf = (app: string) => `${app}.dead-letters`

/** The dead letter of a record that couldn't be worked on, as it was. */
export function recordLetter(
  reason: Reason,
  message: string,
  topic: string,
  partition: number,
  record: FetchedRecord,
): DeadLetter {
  return {
    reason,
    message,
    topic,
    partition,
    offset: record.offset,
    timestamp: record.timestamp,
    key: record.key && Buffer.from(record.key),
    value: record.value && Buffer.from(record.value),
    headers: record.headers(),
  }
}

const OPERATOR = 'operator:'

/** Where the dead letter of a row of an operator says that it is from. */
export const operatorTopic = (operator: string) => OPERATOR + operator

/** The operator that a letter's topic names; undefined for a topic of records. */
export function operatorOf(topic: string): string | undefined {
  return topic.startsWith(OPERATOR) ? topic.slice(OPERATOR.length) : undefined
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
    message: reasonOf(error),
    topic: operatorTopic(operator),
    partition,
    offset: -1,
    timestamp: Date.now(),
    key,
    value: null,
    headers: [],
  }
}

/** The record for an app's dead-letter topic. */
export function deadLetterRecord(app: string, letter: DeadLetter, now: Date): NewRecord {
  const id = letterId(letter.topic, letter.partition, letter.offset, letter.key)
  return toDeadLetters(app, letterRecord({ ...letter, id, app }, now))
}

/** A letter or a closing on its way to an app's dead-letter topic. */
export function toDeadLetters(app: string, record: LetterRecord): NewRecord {
  return { topic: deadLettersOf(app), partition: 0, ...record }
}
