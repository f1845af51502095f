import type { Knex } from 'knex'
import { lockingBriefly } from '#database/locks'

const DAY_MS = 86_400_000

/** How many days beyond today have their partition already, and below how many it becomes an alarm. */
export const DAYS_AHEAD = 7
export const DAYS_AHEAD_ALARM = 3

/** One day's partition of the outbox. */
export interface Partition {
  readonly name: string
  /** First instant, ms; UTC midnight. */
  readonly from: number
  /** First instant behind it, ms. */
  readonly to: number
}

/** The partition that holds an instant (ms). */
export function partitionOf(at: number): Partition {
  const from = Math.floor(at / DAY_MS) * DAY_MS
  return { name: `outbox_${dateOf(from).replaceAll('-', '')}`, from, to: from + DAY_MS }
}

/** The partitions of today and of the days ahead. */
export function wantedPartitions(now: number, daysAhead = DAYS_AHEAD): Partition[] {
  return Array.from({ length: daysAhead + 1 }, (_, day) => partitionOf(now + day * DAY_MS))
}

/** The partition a table name stands for, or undefined when it isn't one of ours. */
export function partitionNamed(name: string): Partition | undefined {
  const [, year, month, day] = /^outbox_(\d{4})(\d{2})(\d{2})$/.exec(name) ?? []
  return year ? partitionOf(Date.UTC(Number(year), Number(month) - 1, Number(day))) : undefined
}

/** The partitions there are, oldest first. */
export async function listPartitions(db: Knex): Promise<Partition[]> {
  const { rows } = await db.raw(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'outbox'::regclass order by c.relname`,
  )
  return rows.flatMap((row: { name: string }) => partitionNamed(row.name) ?? [])
}

/**
 * Makes the partitions of today and of the days ahead where they are missing; gives the names of those it made. A table is
 * made beside and then attached: readers and writers of the outbox are neither waited for nor held up, as they would be by
 * `create table … partition of`, which locks the whole outbox.
 */
export async function makePartitionsAhead(db: Knex, now: number, daysAhead = DAYS_AHEAD): Promise<string[]> {
  const existing = new Set((await listPartitions(db)).map((partition) => partition.name))
  const missing = wantedPartitions(now, daysAhead).filter((partition) => !existing.has(partition.name))
  for (const partition of missing) await lockingBriefly(db, (trx) => makePartition(trx, partition))
  return missing.map((partition) => partition.name)
}

/** Makes one partition. A table of its name that isn't attached (somebody detached it) is attached again. */
export async function makePartition(trx: Knex, { name, from, to }: Partition): Promise<void> {
  // An identity column belongs to the partitioned table, and comes with attaching.
  await trx.raw(`create table if not exists ${name} (like outbox including all excluding identity)`)
  await trx.raw(`alter table outbox attach partition ${name} for values from ('${dateOf(from)}') to ('${dateOf(to)}')`)
}

/** How many days in a row beyond today have a partition. */
export function daysAhead(partitions: readonly Partition[], now: number): number {
  const starts = new Set(partitions.map((partition) => partition.from))
  let days = 0
  while (starts.has(partitionOf(now).from + (days + 1) * DAY_MS)) days++
  return days
}

function dateOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
