import type { Knex } from 'knex'
import { isLocked, lockingBriefly, lockingBrieflyAlone } from '#database/locks'
import { daysAhead, listPartitions, makePartitionsAhead, type Partition, partitionNamed } from './partitions.ts'
import { slotOf } from './schema.ts'

const DAY_MS = 86_400_000

/** How long events stay in the outbox, at least. They are in Kafka for ever; this is for looking something up. */
export const RETENTION_DAYS = 7

/** A partition older than the retention that must stay, why, and what ends that. */
export interface Kept {
  readonly partition: string
  readonly why: string
  readonly remedy: string
}

/** What one round of maintenance found and did in one database. */
export interface Maintained {
  readonly made: readonly string[]
  readonly dropped: readonly string[]
  readonly kept: readonly Kept[]
  /** Days in a row beyond today that have a partition. */
  readonly daysAhead: number
}

export interface MaintainOptions {
  readonly retentionDays?: number
  /** How many events of a partition its topic lacks; asked where the audit hasn't compared them. */
  lostIn?(partition: string): Promise<number>
}

/**
 * Makes partitions ahead of time and drops old ones. A partition goes only when it is older than the retention and
 * everything in it was delivered:
 *
 * - The slot is past it: no transaction that could still write into its time range is open, the WAL position was noted
 *   after that, and the slot has confirmed this position. Without the slot nothing is dropped.
 * - Its events were compared with the topic, by the audit (`outbox_audit`) or by `lostIn`: a slot that was made anew begins
 *   behind events that nobody read.
 * @param db logged in as the owner of the outbox
 * @param now ms
 */
export async function maintainOutbox(
  db: Knex,
  service: string,
  now: number,
  { retentionDays = RETENTION_DAYS, lostIn }: MaintainOptions = {},
): Promise<Maintained> {
  const made = await makePartitionsAhead(db, now)
  const partitions = [...(await detached(db)), ...(await listPartitions(db))]
  const dropped: string[] = []
  const kept: Kept[] = []
  for (const partition of partitions) {
    if (partition.to > now - retentionDays * DAY_MS) break
    const stays =
      (await unconfirmed(db, service, partition)) ??
      (await uncompared(db, service, partition, lostIn)) ??
      (await drop(db, partition))
    if (stays === undefined) dropped.push(partition.name)
    else kept.push({ partition: partition.name, ...stays })
  }
  return { made, dropped, kept, daysAhead: daysAhead(await listPartitions(db), now) }
}

/** Why a partition stays, and what ends that; undefined where nothing speaks for it. */
type Stays = Omit<Kept, 'partition'> | undefined

async function unconfirmed(db: Knex, service: string, partition: Partition): Promise<Stays> {
  const sealed = await sealedAt(db, partition)
  if (sealed === undefined) {
    return { why: 'a transaction that began in its time is still open', remedy: 'end that transaction' }
  }
  const { rows } = await db.raw(
    `select confirmed_flush_lsn >= ?::pg_lsn as confirmed, confirmed_flush_lsn::text as at
     from pg_replication_slots where slot_name = ? and database = current_database()`,
    [sealed, slotOf(service)],
  )
  const remedy = `\`npx --no tributary connectors recover ${service}\``
  if (rows.length === 0) return { why: `slot "${slotOf(service)}" is missing`, remedy }
  if (rows[0].confirmed) return undefined
  return { why: `the slot has confirmed ${rows[0].at ?? 'nothing'}, not yet ${sealed}`, remedy }
}

/** Rows from before the audit have no `xact_id` and are never compared: of those, the slot is all that is known. */
async function uncompared(
  db: Knex,
  service: string,
  { name }: Partition,
  lostIn: MaintainOptions['lostIn'],
): Promise<Stays> {
  const { rows } = await db.raw(
    `select exists (select from ?? where xact_id >= coalesce((select below from outbox_audit), 0)
                    union all
                    select from ?? where xact_id = any (coalesce((select unfinished from outbox_audit), '{}'))) as open`,
    [name, name],
  )
  if (!rows[0].open) return undefined
  if (!lostIn) {
    return {
      why: 'freshness has not compared all of its events with the topic',
      remedy:
        '`npx --no tributary start freshness`; where it never runs, `npx --no tributary outbox maintain` compares them itself',
    }
  }
  const lost = await lostIn(name)
  if (lost === 0) return undefined
  return {
    why: `${lost} of its events never reached the topic`,
    remedy: `\`npx --no tributary outbox resend ${service}\``,
  }
}

/**
 * The WAL position behind everything that was ever written into the partition, noted once. A row's `created_at` is
 * the start of its transaction, so only transactions begun before the range ended can write into it; prepared ones
 * count, they outlive their connection.
 */
async function sealedAt(db: Knex, partition: Partition): Promise<string | undefined> {
  const noted = await db.raw('select sealed_lsn::text as lsn from outbox_retention where partition = ?', [
    partition.name,
  ])
  if (noted.rows.length > 0) return noted.rows[0].lsn
  const end = new Date(partition.to).toISOString()
  const open = await db.raw(
    `select (select count(*) from pg_stat_activity where datname = current_database() and xact_start < ?)
          + (select count(*) from pg_prepared_xacts where database = current_database() and prepared < ?) as count`,
    // A prepared transaction's own start isn't shown: any of them may have begun in the range.
    [end, 'infinity'],
  )
  if (Number(open.rows[0].count) > 0) return undefined
  const { rows } = await db.raw(
    'insert into outbox_retention (partition, sealed_lsn) values (?, pg_current_wal_insert_lsn()) returning sealed_lsn::text as lsn',
    [partition.name],
  )
  return rows[0].lsn
}

/** Partitions that were detached in an earlier round and could not be dropped then, oldest first. */
async function detached(db: Knex): Promise<Partition[]> {
  const { rows } = await db.raw(
    `select c.relname as name from outbox_retention r join pg_class c on c.relname = r.partition
     where c.relnamespace = 'public'::regnamespace and not c.relispartition order by 1`,
  )
  return rows.flatMap((row: { name: string }) => partitionNamed(row.name) ?? [])
}

/**
 * Drops a partition, unless somebody reads it. It is detached first, in the way that waits for
 * readers without holding up writers; `drop table` alone would lock the whole outbox.
 */
async function drop(db: Knex, { name }: Partition): Promise<Stays> {
  try {
    const { rows } = await db.raw(
      `select inhdetachpending as pending from pg_inherits where inhparent = 'outbox'::regclass and inhrelid = ?::regclass`,
      [name],
    )
    const how = rows[0]?.pending ? 'finalize' : 'concurrently'
    if (rows.length > 0) await lockingBrieflyAlone(db, `alter table outbox detach partition ${name} ${how}`)
    await lockingBriefly(
      db,
      async (trx) => {
        await trx.raw(`drop table ${name}`)
        await trx.raw('delete from outbox_retention where partition = ?', [name])
      },
      1,
    )
    return undefined
  } catch (error) {
    if (isLocked(error) || isLocked((error as Error).cause)) {
      return { why: 'somebody reads it', remedy: 'end the session that holds a lock on it (pg_locks)' }
    }
    throw error
  }
}
