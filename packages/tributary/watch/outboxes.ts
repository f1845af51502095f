import type { Knex } from 'knex'
import {
  DAYS_AHEAD_ALARM,
  daysAhead,
  listPartitions,
  makePartitionsAhead,
  partitionNamed,
  partitionOf,
} from '#outbox/partitions'
import { mendPublication, ownerFault, publicationFaults } from '#outbox/publication'
import { type Kept, RETENTION_DAYS } from '#outbox/retention'
import type { Finding } from './findings.ts'

/** A row, or the database's clock, that is ahead by more than this is worth a word, in ms. */
const AHEAD_MS = 120_000
/** So many of the last pages of today's partition are looked through for rows that are ahead; 8 kB each. */
const LAST_PAGES = 200

/** What was found, and what was mended, in one look at a service's outbox. */
export interface OutboxLook {
  readonly daysAhead: number
  readonly made: readonly string[]
  /** What was wrong with the publication. */
  readonly mended: readonly string[]
  readonly findings: Readonly<Record<'partitions' | 'owner' | 'clock' | 'rows', Finding | undefined>>
}

/**
 * Looks at what stands between a service's commands and its connector: partitions, which are made where they are missing,
 * the publication, which is mended, and clocks. Costs a few reads of system tables and of the outbox's last pages.
 * @param db logged in as the owner of the outbox
 */
export async function lookAtOutbox(db: Knex, service: string): Promise<OutboxLook> {
  const made = await makePartitionsAhead(db, Date.now())
  const { mended, owner } = await lookAtPublication(db, service)
  const days = daysAhead(await listPartitions(db), Date.now())
  return {
    daysAhead: days,
    made,
    mended,
    findings: {
      partitions: judgeDays(service, days),
      owner,
      clock: judgeClock(service, await clockAheadMs(db)),
      rows: judgeRow(service, await rowAhead(db)),
    },
  }
}

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
const INSUFFICIENT_PRIVILEGE = '42501'

/** Mends the publication. One that somebody else made can't be mended with the maintainer's rights: then that is found. */
async function lookAtPublication(db: Knex, service: string) {
  try {
    return { mended: await mendPublication(db), owner: undefined }
  } catch (error) {
    if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error
    const losing = await publicationFaults(db)
    const faults = [...losing, (await ownerFault(db)) ?? (error as Error).message]
    const meanwhile = losing.length > 0 ? ': what is committed meanwhile may not be seen' : ''
    const what = `${faults.join(', ')}, in the database "${service}"${meanwhile}`
    const remedy = `\`npx --no tributary connectors recover ${service}\` mends it, and sends what was missed`
    const owner: Finding = { part: service, what, remedy, unwell: losing.length > 0 }
    return { mended: [], owner }
  }
}

function judgeDays(service: string, days: number): Finding | undefined {
  if (days >= DAYS_AHEAD_ALARM) return undefined
  const what = `the outbox of "${service}" has partitions for ${days} days ahead only`
  return { part: service, what, remedy: '`npx --no tributary outbox maintain` says why', unwell: true }
}

function judgeClock(service: string, aheadMs: number): Finding | undefined {
  if (Math.abs(aheadMs) < AHEAD_MS) return undefined
  const what = `the clock of the database of "${service}" is ${inWords(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`
  return {
    part: service,
    what,
    remedy: 'set the clocks (NTP): ages and times of events are off until then',
    unwell: false,
  }
}

interface RowAhead {
  readonly id: string
  readonly key: string
  readonly type: string
  readonly at: string
  /** ms */
  readonly ahead: number
}

function judgeRow(service: string, row: RowAhead | undefined): Finding | undefined {
  if (!row) return undefined
  return {
    part: service,
    what:
      `the outbox of "${service}" has a row whose created_at (${row.at}) lies ${inWords(row.ahead)} ahead of the ` +
      `database's clock: event ${row.id}, ${row.type} of "${row.key}"`,
    remedy: "look after the clock of the database server (NTP); the event is delivered, with that time as its record's",
    unwell: false,
  }
}

/** Old partitions may have to stay for a while; for longer than this, somebody has to know: they fill the disk. In ms. */
const KEPT_MS = 86_400_000

/** What is to be said of partitions that stay beyond the retention; of the oldest, why, since it holds up the others. */
export function judgeKept(service: string, kept: readonly Kept[], now: number): Finding | undefined {
  const due = now - RETENTION_DAYS * 86_400_000 - KEPT_MS
  const overdue = kept.filter(({ partition }) => partitionNamed(partition)!.to <= due)
  const [oldest] = overdue
  if (!oldest) return undefined
  const what =
    `the outbox of "${service}" keeps ${overdue.length} days longer than the ${RETENTION_DAYS} it should, ` +
    `the oldest is ${oldest.partition}: ${oldest.why}`
  return { part: service, what, remedy: oldest.remedy, unwell: false }
}

/** How far the database's clock is ahead of ours, in ms; the round trip is halved. */
async function clockAheadMs(db: Knex): Promise<number> {
  const before = Date.now()
  const { rows } = await db.raw('select extract(epoch from clock_timestamp()) * 1000 as now')
  return Math.round(Number(rows[0].now) - (before + Date.now()) / 2)
}

/** The row that lies furthest ahead, among the last of today's partition and those of the days to come. */
async function rowAhead(db: Knex): Promise<RowAhead | undefined> {
  const today = partitionOf(Date.now()).name
  const ahead = (await listPartitions(db)).filter(({ name }) => name >= today)
  if (ahead.length === 0) return undefined
  const parts = ahead.map(
    ({ name }) =>
      `(select id, aggregateid, type, created_at from ${name}
        where ctid >= format('(%s,0)', greatest(0, pg_relation_size('${name}') / 8192 - ${LAST_PAGES}))::tid
          and created_at > now() at time zone 'UTC' + interval '${AHEAD_MS} ms' order by created_at desc limit 1)`,
  )
  const { rows } = await db.raw(
    `select id, aggregateid as key, type, to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at,
            extract(epoch from created_at - now() at time zone 'UTC') * 1000 as ahead
     from (${parts.join(' union all ')}) r order by created_at desc limit 1`,
  )
  return rows[0] && { ...rows[0], ahead: Number(rows[0].ahead) }
}

function inWords(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`
}
