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
 * The same, locked until the transaction ends: of two members that both believe to own the partition, one waits and
 * then finds everything handled.
 */
export async function lockPosition(trx: Knex.Transaction, topic: string, partition: number): Promise<bigint> {
  const { rows } = await trx
    .raw(
      `insert into inbox_offsets as o (topic, "partition", next_offset) values (?, ?, 0)
       on conflict (topic, "partition") do update set next_offset = o.next_offset
       returning next_offset::text as next`,
      [topic, partition],
    )
    .options({ name: 'inbox-position' })
  return BigInt(rows[0].next)
}

export async function movePosition(
  trx: Knex.Transaction,
  topic: string,
  partition: number,
  next: bigint,
): Promise<void> {
  await trx
    .raw('update inbox_offsets set next_offset = ?::bigint where topic = ? and "partition" = ?', [
      String(next),
      topic,
      partition,
    ])
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
