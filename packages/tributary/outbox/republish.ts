import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Codec } from '#contracts/codec'
import { openDatabase } from '#database/connect'
import { isLocked } from '#database/locks'
import { readServiceLogin } from '#database/settings'
import { holdEvents, type PublishedEvents, withOutbox, writeHeld } from './outbox.ts'

/** A kind of aggregate whose events can be made again of its rows. */
export interface Republishable<Row = unknown> {
  /** e.g. `order`, as in `--only order`. */
  readonly kind: string
  /** The table with a row per aggregate, which every command that changes one locks. */
  readonly table: string
  /** The columns of its primary key. */
  readonly key: readonly string[]
  /**
   * Publishes the events that make the aggregate what it is now, in the order in which they could have come. Nobody
   * changes the row before the transaction ends.
   * @param row all columns of the table
   */
  rebuild(trx: Knex.Transaction, row: Row): Promise<void>
}

export interface RepublishOptions {
  /** Aggregates a second, at most. */
  readonly rate: number
  /** Whether to begin with the first aggregate, however far an earlier run came. */
  readonly anew: boolean
  /** Told how it gets on, a line each. */
  say(line: string): void
}

/** Another run published what this one was about to. */
export class RepublishedElsewhere extends Error {
  override readonly name = 'RepublishedElsewhere'
}

/** How far a kind was republished; keys as texts, column by column. */
interface Progress {
  readonly kind: string
  readonly last: readonly string[] | null
  /** The last one there was when the run began: what came later has told of itself. */
  readonly until: readonly string[] | null
  readonly done: number
  readonly total: number
}

/** Aggregates whose rows are locked together, at most: commands wait for as long as their events are written. */
const AT_ONCE = 100
/** How long a single aggregate's lock is waited for before that is told, in ms. */
const LOCK_PATIENCE_MS = 5_000
const SAY_MS = 1_000

/**
 * Publishes the events that rebuild the aggregates of a service's database, with the service's own login. Gives how many
 * aggregates of each kind. Throws when the service says of no (such) kind how.
 */
export async function republishService(
  service: { name: string; publishes: PublishedEvents; republish?: readonly Republishable[] },
  codec: Codec,
  { only, ...options }: RepublishOptions & { readonly only: string | undefined },
): Promise<Map<string, number>> {
  const { name, publishes, republish: all = [] } = service
  const kinds = all.filter(({ kind }) => only === undefined || kind === only)
  if (all.length === 0)
    throw new Error(`service "${name}" doesn't say how it is republished: state "republish" in its definition`)
  if (kinds.length === 0)
    throw new Error(`service "${name}" has no kind "${only}": there are ${all.map(({ kind }) => kind).join(', ')}`)
  const login = readServiceLogin(name)
  const db = await withOutbox(
    openDatabase(login, { application: 'tributary-republish', pool: 1, lockTimeoutMs: LOCK_PATIENCE_MS }),
    codec,
    publishes,
    // What came in before a rule is told all the same, as far as it can be represented.
    { judges: false, republished: true },
  )
  try {
    const done = new Map<string, number>()
    for (const each of kinds) done.set(each.kind, await republish(db, each, options))
    return done
  } finally {
    await db.destroy()
  }
}

/**
 * Publishes the events of all aggregates of a kind, in the order of their keys; gives how many aggregates, those of an
 * earlier run that was ended included. Each aggregate is locked, read and published in one transaction with the note of
 * how far this came: what is written meanwhile stands before its events and is in them, or stands behind.
 * @param db with an outbox whose events are marked as republished
 */
export async function republish(db: Knex, of: Republishable, { rate, anew, say }: RepublishOptions): Promise<number> {
  let progress = await begin(db, of, anew)
  if (progress.last) say(`${of.kind}: goes on behind ${describe(progress.last)}, ${count(progress)}`)
  const before = progress.done
  const begun = performance.now()
  let saidAt = begun
  let singly = 0
  for (;;) {
    const size = singly > 0 ? 1 : Math.min(AT_ONCE, rate)
    try {
      const next = await step(db, of, progress, size)
      if (!next) break
      progress = next
      if (singly > 0) singly--
    } catch (error) {
      if (!isLocked(error)) throw error
      // Whoever holds one lock waits for no other: where a page has a locked row, each of its rows is waited for alone.
      if (singly > 0)
        say(`${of.kind}: waits for a row behind ${describe(progress.last)} that a transaction holds locked`)
      else singly = size
    }
    if (performance.now() - saidAt > SAY_MS) {
      saidAt = performance.now()
      say(`${of.kind}: ${count(progress)}`)
    }
    await sleep(Math.max(0, begun + ((progress.done - before) * 1_000) / rate - performance.now()))
  }
  await db('outbox_republish').where({ kind: of.kind }).update({ ended_at: db.fn.now() })
  say(`${of.kind}: ${progress.done} aggregates, all published`)
  return progress.done
}

/** A run that was ended is gone on with for so long; later it is taken for another one. */
const RESUMED_WITHIN_MS = 24 * 3_600_000

/** Where a run that was ended stopped, or the first of a new one. */
async function begin(db: Knex, of: Republishable, anew: boolean): Promise<Progress> {
  const { kind, table, key } = of
  const found = await db('outbox_republish').where({ kind, ended_at: null }).first()
  if (found && !anew) {
    if (Date.now() - found.started_at.getTime() > RESUMED_WITHIN_MS) {
      throw new Error(
        `${kind}: a run of ${found.started_at.toISOString()} was never ended, and knows nothing of what was lost since: give --anew to begin with the first again`,
      )
    }
    return found
  }
  const { rows } = await db.raw(
    `insert into outbox_republish (kind, until, total)
     select ?, (select ${texts(key)} from ?? order by ${backwards(key)} limit 1), (select count(*) from ??)
     on conflict (kind) do update set last = null, until = excluded.until, done = 0, total = excluded.total,
       started_at = now(), ended_at = null
     where outbox_republish.ended_at is not null or ?
     returning *`,
    [kind, table, table, anew],
  )
  // None where another run began it in between.
  return rows[0] ?? begin(db, of, anew)
}

/** Publishes the next aggregates, `size` at most; undefined where none is left. Throws where one of several is locked. */
async function step(db: Knex, of: Republishable, progress: Progress, size: number): Promise<Progress | undefined> {
  const { kind, table, key } = of
  const { last, until } = progress
  if (until === null) return undefined
  const columns = key.map(quoted).join(', ')
  const marks = key.map(() => '?').join(', ')
  const behind = last ? `(${columns}) > (${marks}) and` : ''
  return db.transaction(async (trx) => {
    const page = await trx.raw(
      `select ${texts(key)} as last from
         (select ${columns} from ?? where ${behind} (${columns}) <= (${marks}) order by ${columns} limit ?) page
       order by ${backwards(key)} limit 1`,
      [table, ...(last ?? []), ...until, size],
    )
    if (page.rows.length === 0) return undefined
    const to: string[] = page.rows[0].last
    const { rows } = await trx.raw(
      `select * from ?? where ${behind} (${columns}) <= (${marks}) order by ${columns} for share ${size > 1 ? 'nowait' : ''}`,
      [table, ...(last ?? []), ...to],
    )
    holdEvents(trx)
    for (const row of rows) await rebuild(trx, of, row)
    await writeHeld(trx)
    const moved = await trx.raw(
      `update outbox_republish set last = ?::text[], done = done + ? where kind = ? and last is not distinct from ?::text[]
         and ended_at is null returning *`,
      [to, rows.length, kind, last] as Knex.RawBinding[],
    )
    if (moved.rows.length === 0)
      throw new RepublishedElsewhere(`${kind}: another run republishes it at this time; this one ends, nothing is lost`)
    return moved.rows[0]
  })
}

async function rebuild(trx: Knex.Transaction, of: Republishable, row: Record<string, unknown>): Promise<void> {
  try {
    await of.rebuild(trx, row)
  } catch (cause) {
    const which = describe(of.key.map((column) => String(row[column])))
    const message = `${of.kind} ${which} can't be republished: ${(cause as Error).message}`
    throw new Error(`${message}. Mend its row and run this again: it goes on from there`, { cause })
  }
}

const quoted = (column: string) => `"${column}"`
const texts = (key: readonly string[]) => `array[${key.map((column) => `${quoted(column)}::text`).join(', ')}]`
const backwards = (key: readonly string[]) => key.map((column) => `${quoted(column)} desc`).join(', ')
const describe = (key: readonly string[] | null) => (key ? `"${key.join('/')}"` : 'the beginning')
const count = ({ done, total }: Progress) => `${done} of about ${total} published`
