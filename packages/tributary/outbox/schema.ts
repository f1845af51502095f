import type { Knex } from 'knex'
import { mendPublication } from './publication.ts'

export { MAINTAINER, PUBLICATION } from './publication.ts'

/** The replication slot of a service's connector. */
export const slotOf = (service: string) => `${service}_outbox`

/**
 * The outbox table: insert-only, partitioned by day of `created_at` without a DEFAULT partition, so that old events
 * go by dropping a partition and a missing partition is noticed. `created_at` is in UTC and has no zone because
 * Debezium takes the record's timestamp from it. `time`, `source` and `specversion` are text because they become
 * CloudEvents headers as they stand.
 */
export async function createOutboxTable(db: Knex): Promise<void> {
  await db.raw(`
    create table outbox (
      id uuid not null,
      aggregatetype text not null,
      aggregateid text not null,
      type text not null,
      payload bytea check (payload is null or length(payload) > 0),
      source text not null,
      specversion text not null default '1.0',
      time text not null,
      traceparent text not null,
      created_at timestamp not null default (now() at time zone 'UTC'),
      primary key (id, created_at)
    ) partition by range (created_at)`)
  await db.raw(`comment on column outbox.payload is 'Avro in the registry''s wire format; NULL is a tombstone'`)
  await db.raw(`
    create table outbox_retention (
      partition text primary key,
      sealed_lsn pg_lsn not null,
      sealed_at timestamptz not null default now()
    )`)
  await db.raw(
    `comment on table outbox_retention is 'Partitions nobody writes any more, and the WAL position behind their last row'`,
  )
}

/**
 * Bounds what a row may have, for writers that don't go through our library: a record that is larger than a broker takes
 * would end the connector. `NOT VALID`: rows that are there already are let be, and aren't read under the lock.
 */
export async function boundOutboxRows(db: Knex): Promise<void> {
  await db.raw(`
    alter table outbox add constraint outbox_row_fits check (
      coalesce(octet_length(payload), 0) + octet_length(aggregatetype) + octet_length(aggregateid) + octet_length(type)
      + octet_length(source) + octet_length(specversion) + octet_length(time) + octet_length(traceparent) <= 1000000
    ) not valid`)
}

/**
 * Marks events that rebuild an aggregate (republish.ts), and notes how far such a run came. The mark is text because it
 * becomes a header as it stands; a constant default writes no row anew.
 */
export async function addRepublished(db: Knex): Promise<void> {
  await db.raw(`alter table outbox add column republished text not null default 'false'`)
  await db.raw(`
    alter table outbox add constraint outbox_republished check (republished in ('true', 'false')) not valid`)
  await db.raw(`
    create table outbox_republish (
      kind text primary key,
      last text[],
      until text[],
      done bigint not null default 0,
      total bigint not null,
      started_at timestamptz not null default now(),
      ended_at timestamptz
    )`)
  await db.raw(`comment on table outbox_republish is
    'How far events were published that rebuild each kind of aggregate: from "last" on, by key, to "until"'`)
}

/**
 * Makes publication and slot where they are missing, and mends the publication. Both must be there before the first event
 * is written: the connector takes no snapshot, so it never sees what was committed before its slot began.
 */
export async function ensurePublicationAndSlot(db: Knex, service: string): Promise<void> {
  await mendPublication(db)
  const { rows: slots } = await db.raw('select plugin, database from pg_replication_slots where slot_name = ?', [
    slotOf(service),
  ])
  if (slots.length === 0) {
    const written = await db.raw('select exists (select from outbox) as any')
    if (written.rows[0].any) {
      throw new Error(
        `slot "${slotOf(service)}" is gone, but the outbox has events: those the connector had not read yet would be ` +
          `skipped. \`npx --no tributary connectors recover ${service}\` makes the slot again and sends them`,
      )
    }
    await makeSlot(db, service)
  }
}

/** Makes the slot of a service's connector; it begins here and now. */
export async function makeSlot(db: Knex, service: string): Promise<void> {
  await db.raw(`select pg_create_logical_replication_slot(?, 'pgoutput')`, [slotOf(service)])
}
