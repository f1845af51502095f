import type { Letter } from '#runtime/dead-letters/letter'
import { EngineError } from './errors.ts'
import { exchangeOf } from './run/internal-topics.ts'

/** What a person asks a processor to do about one of its open dead letters. */
export interface Ask {
  readonly action: 'replay' | 'drop'
  /** Of the letter: its record's topic, or `operator:<name>`. */
  readonly topic: string
  /** -1 for a row of an operator. */
  readonly offset: number
  readonly key: string | null
  /** Why, for a person. */
  readonly reason: string
  /** Of the letter; undefined in asks of an older format. A cut key isn't the row's, its id is. */
  readonly id?: string
}

/** Operators' names have no exclamation mark, so nothing that workers tell one another begins so. */
const PREFIX = '["!letters",'

/**
 * The record that asks for a letter to be replayed (its record is read again from its place and worked on, and then what
 * waits behind it) or dropped (it is left out, and what waits behind it is worked on). It goes to the partition of the
 * letter in the exchange topic of its app, without a key: there the worker that has the partition takes it in. What came
 * of it stands in the app's dead-letter topic: a closing, or the letter once more when it failed again.
 */
export function askRecord(
  letter: Pick<Letter, 'id' | 'app' | 'topic' | 'partition' | 'offset' | 'key'>,
  action: Ask['action'],
  reason = '',
): { readonly topic: string; readonly partition: number; readonly value: string } {
  const { id, app, topic, partition, offset, key } = letter
  const value = JSON.stringify(['!letters', action, topic, offset, key === null ? null : key.toString(), reason, id])
  return { topic: exchangeOf(app), partition, value }
}

/**
 * The ask in a record of the exchange topic; undefined when it is what workers tell one another.
 * @throws EngineError `BAD_MESSAGE` when it is neither
 */
export function readAsk(value: string): Ask | undefined {
  if (!value.startsWith(PREFIX)) return undefined
  const parts = partsOfMessage(value).slice(1)
  if (!isAsk(parts)) throw new EngineError('BAD_MESSAGE', 'it asks for nothing that is known')
  const [action, topic, offset, key, reason, id] = parts
  return { action, topic, offset, key, reason, ...(id !== undefined && { id }) }
}

/**
 * The parts of any record of the exchange topic.
 * @throws EngineError `BAD_MESSAGE` when it has none
 */
export function partsOfMessage(value: string): readonly unknown[] {
  let parts: unknown
  try {
    parts = JSON.parse(value)
  } catch (error) {
    throw new EngineError('BAD_MESSAGE', `it isn't JSON: ${(error as Error).message}`)
  }
  if (Array.isArray(parts)) return parts as unknown[]
  throw new EngineError('BAD_MESSAGE', "it isn't a list")
}

type AskParts = readonly [
  action: Ask['action'],
  topic: string,
  offset: number,
  key: string | null,
  reason: string,
  id?: string,
]

function isAsk(parts: readonly unknown[]): parts is AskParts {
  const [action, topic, offset, key, reason, id] = parts
  return (
    (action === 'replay' || action === 'drop') &&
    typeof topic === 'string' &&
    Number.isSafeInteger(offset) &&
    (key === null || typeof key === 'string') &&
    typeof reason === 'string' &&
    (id === undefined || typeof id === 'string')
  )
}
