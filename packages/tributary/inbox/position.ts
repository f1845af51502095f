import type { Knex } from 'knex'
import { INBOX_KEPT_DAYS } from './purge.ts'
import type { InboxRecord, RawRecord } from './record.ts'

const DAY_MS = 86_400_000

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
): Promise<Map<number, Position>> {
  const { rows } = await trx
    .raw(
      `insert into inbox_offsets as o (topic, "partition", next_offset)
       select ?, p, 0 from unnest(?::int[]) as p order by p
       on conflict (topic, "partition") do update set next_offset = o.next_offset
       returning "partition", next_offset::text as next, renewed_at as renewed`,
      [topic, [...partitions]] as Knex.RawBinding[],
    )
    .options({ name: 'inbox-positions' })
  return new Map(
    (rows as { partition: number; next: string; renewed: Date | null }[]).map(({ partition, next, renewed }) => [
      partition,
      { next: BigInt(next), renewed: renewed?.getTime() },
    ]),
  )
}

/** How far a partition was worked off. */
export interface Position {
  readonly next: bigint
  /** When it began again because the topic was made anew, ms. */
  readonly renewed: number | undefined
}

/**
 * Whether a record is still to be worked on. In a topic that was made anew, events as old as the inbox no longer remembers
 * were in the former one: they were handled then, and come from a copy.
 */
export function isDue({ offset, timestamp }: RawRecord, { next, renewed }: Position): boolean {
  if (renewed !== undefined && timestamp < renewed - INBOX_KEPT_DAYS * DAY_MS) return false
  return offset >= next
}

/**
 * Notes which topic the positions are of, by the id the cluster gave it. Where they are of another one, it was deleted and
 * made anew: then they begin again, and the inbox keeps what comes a second time from being handled. Gives whether they did.
 */
export async function claimPositions(db: Knex, topic: string, topicId: string): Promise<boolean> {
  return db.transaction(async (trx) => {
    const rows = await trx('inbox_offsets').where({ topic }).select('topic_id').forUpdate()
    const others = rows.filter(({ topic_id: id }) => id !== null && id !== topicId)
    if (others.length > 0) {
      await trx('inbox_offsets')
        .where({ topic })
        .update({ topic_id: topicId, next_offset: 0, renewed_at: trx.fn.now() })
    } else if (rows.some(({ topic_id: id }) => id === null)) {
      await trx('inbox_offsets').where({ topic }).update({ topic_id: topicId })
    }
    return others.length > 0
  })
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
