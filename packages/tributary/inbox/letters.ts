import type { Knex } from 'knex'
import { inboxApp } from '#contracts/apps'
import { deadLettersOf } from '#contracts/topic'
import { readOpenLetters } from '#runtime/dead-letters/follow'
import type { Reason } from '#runtime/dead-letters/letter'
import type { Concern } from '#runtime/health'
import type { KafkaAt } from '#runtime/kafka-at'
import { type DeadLetters, idOf } from './dead-letters.ts'
import { firstParked, parkedKeys } from './parking.ts'

/**
 * Brings the letters in line with what waits. A letter is written before the transaction that parks its record commits, a
 * closing after the one that releases it: where a process ended in between, one of them is wrong.
 */
export async function reconcileLetters(
  db: Knex,
  service: string,
  deadLetters: DeadLetters,
  brokers: KafkaAt,
): Promise<void> {
  const app = inboxApp(service)
  const { open: found, unread } = await readOpenLetters(
    brokers,
    new Map([[app, deadLettersOf(app).name]]),
    `${app}-letters`,
  )
  if (unread.size > 0) throw new Error(`topic "${deadLettersOf(app).name}" doesn't exist`)
  const open = new Set((found.get(app) ?? []).map(({ id }) => id))
  const waiting = await firstParked(db)
  const ids = new Set(waiting.map(({ raw }) => idOf(raw)))
  await deadLetters.send(
    waiting
      .filter(({ raw }) => !open.has(idOf(raw)))
      .map(({ raw, reason, message }) => ({ raw, reason: REASONS[reason] ?? (reason as Reason), message })),
  )
  await deadLetters.close(
    [...open].filter((id) => !ids.has(id)),
    'superseded',
    'it no longer waits',
  )
}

/** What rows say that an older version parked. */
const REASONS: Readonly<Record<string, Reason>> = {
  garbage: 'unreadable',
  unknown_schema: 'unknown-schema',
  wrong_type: 'unexpected-type',
  handler_failed: 'author-error',
  key_parked: 'author-error',
  waits: 'author-error',
}

/** What waits, for `/health`. */
export async function parkedConcerns(db: Knex, service: string): Promise<Concern[]> {
  const keys = await parkedKeys(db)
  const [first] = keys
  if (!first) return []
  const events = keys.reduce((sum, key) => sum + Number(key.events), 0)
  return [
    {
      part: inboxApp(service),
      what:
        `${keys.length} keys with ${events} events wait, the first since ${first.since.toISOString()}: ` +
        `"${first.key}" of ${first.topic}, ${first.reason}: ${first.message.slice(0, 200)}`,
      remedy: `\`npx --no tributary dead-letters list ${inboxApp(service)}\`, then replay or drop`,
    },
  ]
}
