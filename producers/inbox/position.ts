import type { Knex } from 'knex'
import type { InboxRecord } from './record.ts'

/** The offset of the next record to handle: our database's word, Kafka's group offset only follows it. */
export async function positionOf(db: Knex, topic: string, partition: number): Promise<bigint> {
  const { rows } = await db.raw(
    'select next_offset::text as next from inbox_offsets where topic = ? and "partition" = ?',
    [topic, partition],
  )
  return BigInt(rows[0]?.next ?? 0)
}

/**
 * The same of several partitions, locked until the transaction ends: of two members that both believe to own a
 * partition, one waits and then finds everything handled. Locked in their order, so that no two wait for one another.
 */
export async function lockPositions(
  trx: Knex.Transaction,
  topic: string,
  partitions: Iterable<number>,
): Promise<Map<number, bigint>> {
  const { rows } = await trx
    .raw(
      `insert into inbox_offsets as o (topic, "partition", next_offset)
       select ?, p, 0 from unnest(?::int[]) as p order by p
       on conflict (topic, "partition") do update set next_offset = o.next_offset
       returning "partition", next_offset::text as next`,
      [topic, [...partitions]] as Knex.RawBinding[],
    )
    .options({ name: 'inbox-positions' })
  return new Map(rows.map((row: { partition: number; next: string }) => [row.partition, BigInt(row.next)]))
}

/** @param next by partition, the offset of the next record to handle */
export async function movePositions(
  trx: Knex.Transaction,
  topic: string,
  next: ReadonlyMap<number, bigint>,
): Promise<void> {
  await trx
    .raw(
      `update inbox_offsets o set next_offset = m.next
       from unnest(?::int[], ?::bigint[]) as m ("partition", next) where o.topic = ? and o."partition" = m."partition"`,
      [[...next.keys()], Array.from(next.values(), String), topic] as Knex.RawBinding[],
    )
    .options({ name: 'inbox-move' })
}

/**
 * Enters events into the inbox; gives the ids that were not in it before. An event that stands on the topic twice is
 * handled once.
 */
export async function enterInbox(trx: Knex.Transaction, records: readonly InboxRecord[]): Promise<Set<string>> {
  const { rows } = await trx
    .raw(
      `insert into inbox (topic, event_id) select ?, unnest(?::text[])
       on conflict (topic, event_id) do nothing returning event_id as id`,
      [records[0]!.raw.topic, records.map((record) => record.eventId)] as Knex.RawBinding[],
    )
    .options({ name: 'inbox-enter' })
  return new Set(rows.map((row: { id: string }) => row.id))
}
