import type { Knex } from 'knex'

/** Which topic the positions are of: one that was made anew under the same name begins at its first record. */
export async function addTopicIds(db: Knex): Promise<void> {
  await db.raw('alter table inbox_offsets add column topic_id text, add column renewed_at timestamptz')
}

/**
 * Which topic a record waits of: one that was made anew has others at the same places. They wait in the order in which
 * they were parked, which within a topic is that of their offsets.
 */
export async function addParkedOrder(db: Knex): Promise<void> {
  await db.raw(`
    alter table inbox_parked add column topic_id text not null default '', add column seq bigint`)
  await db.raw(`
    update inbox_parked p set seq = o.seq
    from (select topic, "partition", "offset", row_number() over (order by topic, "partition", "offset") as seq
          from inbox_parked) o
    where (p.topic, p."partition", p."offset") = (o.topic, o."partition", o."offset")`)
  await db.raw(`
    alter table inbox_parked alter column seq set not null,
      alter column seq add generated always as identity,
      drop constraint inbox_parked_pkey, add primary key (topic, topic_id, "partition", "offset")`)
  await db.raw(
    `select setval(pg_get_serial_sequence('inbox_parked', 'seq'), (select coalesce(max(seq), 0) + 1 from inbox_parked))`,
  )
}

/**
 * The inbox: which events were handled (`inbox`, may be purged by age), how far each partition was (`inbox_offsets`,
 * the truth about the position; Kafka's group offset only follows it), which keys wait (`inbox_parked_keys`) and
 * their events in order (`inbox_parked`).
 */
export async function createInboxTables(db: Knex): Promise<void> {
  await db.raw(`
    create table inbox (
      topic text not null,
      event_id text not null,
      received_at timestamptz not null default now(),
      primary key (topic, event_id)
    )`)
  await db.raw('create index inbox_received_at on inbox using brin (received_at)')
  await db.raw(`
    create table inbox_offsets (
      topic text not null,
      "partition" int not null,
      next_offset bigint not null,
      primary key (topic, "partition")
    )`)
  await db.raw(`
    create table inbox_parked_keys (
      topic text not null,
      key text not null,
      parked_at timestamptz not null default now(),
      primary key (topic, key)
    )`)
  await db.raw(`
    create table inbox_parked (
      topic text not null,
      "partition" int not null,
      "offset" bigint not null,
      key text not null,
      record_key bytea,
      payload bytea,
      headers jsonb not null,
      record_timestamp bigint not null,
      reason text not null,
      message text not null,
      parked_at timestamptz not null default now(),
      primary key (topic, "partition", "offset"),
      foreign key (topic, key) references inbox_parked_keys
    )`)
  await db.raw('create index inbox_parked_key on inbox_parked (topic, key)')
}
