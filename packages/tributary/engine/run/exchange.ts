import { EngineError } from '../errors.ts'
import type { FetchedRecord } from '../kafka/records.ts'
import { readAsk } from '../letters.ts'
import { type Aside, recordLetter } from './dead-letters.ts'
import type { Replay } from './replay.ts'
import type { TaskSet } from './tasks.ts'

/**
 * Takes in a record of an app's exchange topic: a message of a worker, or what a person asks. Anything else that somebody
 * wrote there is set aside: taken in or not, it would be the next record again after every restart.
 */
export function takeExchanged(
  topic: string,
  partition: number,
  record: FetchedRecord,
  to: { readonly tasks: Pick<TaskSet, 'receive'>; readonly replay: Pick<Replay, 'ask'> },
  aside: Aside,
): void {
  try {
    const text = textOf(record)
    const ask = readAsk(text)
    if (ask) to.replay.ask(partition, ask, aside)
    else to.tasks.receive(partition, text)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'BAD_MESSAGE') throw error
    aside.letters.push(recordLetter('unreadable', error.message, topic, partition, record))
  }
}

function textOf({ value, unreadable }: FetchedRecord): string {
  if (unreadable !== undefined) throw new EngineError('BAD_MESSAGE', unreadable)
  if (value === null) throw new EngineError('BAD_MESSAGE', 'a message has a value')
  return value.toString()
}
