import { hash } from 'node:crypto'
import type { Knex } from 'knex'
import { faultOf } from '#contracts/rules'
import { holdEvents, writeHeld } from '#outbox/outbox'
import { Problem } from '#runtime/http/problem'
import { Refusal } from './refusal.ts'

/** How long a repeated request is recognised. */
export const KEYS_KEPT_DAYS = 7

/** A request that may come twice: its `Idempotency-Key`, and what was asked. */
export interface IdempotencyKey {
  readonly key: string
  /** See `fingerprint`. */
  readonly fingerprint: Buffer
}

/** What a command answered. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

export async function createIdempotencyTable(db: Knex): Promise<void> {
  await db.raw(`
    create table idempotency_keys (
      key text primary key,
      fingerprint bytea not null,
      status smallint not null,
      body json not null,
      created_at timestamptz not null default now()
    )`)
  await db.raw('create index idempotency_keys_created_at on idempotency_keys using brin (created_at)')
}

const HEADER = 'idempotency-key'

/**
 * The key of a request, whatever its method; undefined where it has none.
 * @param rawHeaders names and values by turns, as Node has them: elsewhere a header that came twice is one already
 * @throws Problem 400 where it breaks the rules of schemas/rules.json, or where there are two
 */
export function keyOf(rawHeaders: readonly string[]): string | undefined {
  const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === HEADER)
  if (values.length === 0) return undefined
  const [key = ''] = values
  const fault = values.length > 1 ? 'came more than once' : faultOf('idempotencyKey', key)
  if (fault === undefined) return key
  throw new Problem(400, {
    code: 'invalid_key',
    detail: `Idempotency-Key ${fault}`,
    faults: [`headers/${HEADER} ${fault}`],
  })
}

/**
 * What was asked, as SHA-256: two requests have the same when method, route, its parameters and the JSON *value* of the
 * body are the same; white space, order of names, escapes and ways to write a number don't count.
 */
export function fingerprint(method: string, route: string, params: unknown, body: unknown): Buffer {
  return hash('sha256', `${method} ${route}\n${canonical([params ?? null, body ?? null])}`, 'buffer')
}

/** JSON with the names of objects in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

/**
 * Runs a command in a transaction and stores its answer under the key in the same one. A repeated request gets the
 * stored answer: the command may run again, but then the key's row is there already, so everything rolls back. Two at
 * once are settled the same way: the second waits for the first one's row. Refusals change nothing and aren't stored.
 * Throws a 422 `Refusal` when the key came with another request before.
 */
export async function once(
  db: Knex,
  key: IdempotencyKey | undefined,
  command: (trx: Knex.Transaction) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await db.transaction(async (trx) => {
      holdEvents(trx)
      const answer = await command(trx)
      await writeHeld(trx, key && rememberStatement(key, answer))
      return answer
    })
  } catch (error) {
    const earlier = key && (await recall(db, key))
    if (earlier) return earlier
    throw error
  }
}

/** Forgets keys older than `KEYS_KEPT_DAYS`; gives how many. */
export async function purgeIdempotencyKeys(db: Knex): Promise<number> {
  const { rowCount } = await db.raw(
    'delete from idempotency_keys where created_at < now() - make_interval(days => ?)',
    [KEYS_KEPT_DAYS],
  )
  return rowCount
}

function rememberStatement({ key, fingerprint }: IdempotencyKey, answer: Answer) {
  return {
    name: 'idempotency-key',
    sql: 'insert into idempotency_keys (key, fingerprint, status, body) values (?, ?, ?, ?)',
    values: [key, fingerprint, answer.status, JSON.stringify(answer.body)],
  }
}

async function recall(db: Knex, { key, fingerprint }: IdempotencyKey): Promise<Answer | undefined> {
  const stored = await db('idempotency_keys').where({ key }).first('fingerprint', 'status', 'body')
  if (!stored) return undefined
  if (!fingerprint.equals(stored.fingerprint)) {
    throw new Refusal(
      422,
      'key_reused',
      `Idempotency-Key "${key}" came with another request before: use a new key`,
      false,
    )
  }
  return { status: stored.status, body: stored.body }
}
