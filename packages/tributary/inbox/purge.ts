import type { Knex } from 'knex'

/** How long handled events are remembered one by one. Beyond that the partition's offset keeps them from repeating. */
export const INBOX_KEPT_DAYS = 7

/** Forgets handled events older than `INBOX_KEPT_DAYS`; gives how many. */
export async function purgeInbox(db: Knex): Promise<number> {
  const { rowCount } = await db.raw('delete from inbox where received_at < now() - make_interval(days => ?)', [
    INBOX_KEPT_DAYS,
  ])
  return rowCount
}
