-- The services' tables as verification needs them, in the session's own temporary schema.
create temp table members (member_id text collate "C", name text collate "C");
create temp table loans (
  loan_id text collate "C", member_id text collate "C", title text collate "C",
  lent_at timestamptz, returned_at timestamptz
);
create function pg_temp.iso(at timestamptz) returns text language sql immutable
  return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
