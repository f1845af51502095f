import type { Knex } from 'knex'
import { PUBLICATION } from './publication.ts'
import { MAINTAINER } from './schema.ts'

/** The login that compares outbox and topic. It sees which rows there are, not what is in them. */
const AUDITOR = 'freshness'

/**
 * What makes the outbox comparable with its topic, and lost events sendable again. Whoever writes to the outbox needs to
 * know none of it: both columns have a default. Rows from before have neither and aren't compared.
 *
 * - `xact_id`, the writing transaction: what one look at the table didn't see yet is exactly what a later snapshot adds,
 *   however long transactions stay open.
 * - `seq`, drawn as the row is written and so while its aggregate is locked: the order of the events of one aggregate.
 */
export async function addAudit(db: Knex): Promise<void> {
  await db.raw('create sequence outbox_seq as bigint')
  // Defaults of their own statement: given with the column, each would have the whole table written anew.
  await db.raw('alter table outbox add column xact_id bigint, add column seq bigint')
  await db.raw(`
    alter table outbox
      alter column xact_id set default (pg_current_xact_id()::text::bigint),
      alter column seq set default nextval('outbox_seq')`)
  await db.raw('create index outbox_xact_id on outbox (xact_id) include (id)')
  await db.raw('create index outbox_aggregate on outbox (aggregateid, seq)')
  await db.raw(`
    create table outbox_audit (
      single boolean primary key default true check (single),
      below bigint not null,
      unfinished bigint[] not null,
      topic_id text not null,
      positions jsonb not null,
      noted_at timestamptz not null default now()
    )`)
  await db.raw(`comment on table outbox_audit is
    'All rows of transactions before "below", but for those "unfinished" then, are in the topic, which was read up to "positions"'`)
}

/**
 * `outbox_resend(lost)` writes events into the outbox again that never reached their topic, each with all later ones of
 * its aggregate, in their order: whoever folds the repeats ends in the state that all of them make, and whoever acts on
 * events knows repeated ones by their id. No other event of these aggregates can come in between: others wait for their
 * insert meanwhile (0.4 s at most, then this gives up). Answers the ids that were written again.
 */
export async function createResend(db: Knex): Promise<void> {
  await db.raw(`
    create or replace function outbox_resend(lost uuid[]) returns setof uuid
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    set lock_timeout = '400ms'
    as $$
    begin
      if not exists (select from pg_publication_tables
                     where pubname = '${PUBLICATION}' and schemaname = 'public' and tablename = 'outbox') then
        raise exception 'publication "${PUBLICATION}" lacks table "outbox": what is sent again would be lost again';
      end if;
      lock table public.outbox in share row exclusive mode;
      return query
        with first as (
          select aggregateid, min(coalesce(seq, 0)) as seq from public.outbox where id = any (lost) group by aggregateid
        ), later as (
          select o.id, min(coalesce(o.seq, 0)) as seq
          from first join public.outbox o on o.aggregateid = first.aggregateid
          group by o.id, first.seq having min(coalesce(o.seq, 0)) >= first.seq
        )
        insert into public.outbox (id, aggregatetype, aggregateid, type, payload, source, time, traceparent, republished)
        select id, aggregatetype, aggregateid, type, payload, source, time, traceparent, republished
        from (
          select distinct on (o.id) o.*, later.seq as place
          from later join public.outbox o on o.id = later.id order by o.id, o.seq
        ) again
        order by place, created_at
        returning outbox.id;
    end $$`)
  await db.raw(`alter function outbox_resend owner to ${MAINTAINER}`)
  await db.raw('revoke all on function outbox_resend from public')
}

/** Rights of the audit, inside one service's database. */
export async function grantAuditRights(db: Knex): Promise<void> {
  await createResend(db)
  await db.raw(`grant usage on schema public to ${AUDITOR}`)
  await db.raw(`grant usage on sequence outbox_seq to ${MAINTAINER}`)
  await db.raw(`alter table outbox_audit owner to ${MAINTAINER}`)
  await db.raw(`grant select (id, xact_id) on outbox to ${AUDITOR}`)
  await db.raw(`grant select, insert, update on outbox_audit to ${AUDITOR}`)
  await db.raw(`grant execute on function outbox_resend to ${AUDITOR}`)
}
