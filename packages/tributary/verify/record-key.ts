/**
 * `pg_temp.record_key(jsonb_build_object('day', day, 'boatNo', boat_no))`: in SQL, the text that `recordKey` makes of these
 * parts, which is the record key and the document's `_id`. Raises what `recordKey` throws on, and where a name isn't one of
 * Avro's: others are sorted otherwise here and there.
 *
 * Numbers are written as ECMA-262 does (Number::toString): the shortest digits that are this double, without an exponent
 * from 1e-6 to 1e21. Texts are escaped as RFC 8259 asks for; PostgreSQL and JSON.stringify do it alike.
 */
export const RECORD_KEY_SQL = String.raw`
create or replace function pg_temp.record_key(parts jsonb) returns text language plpgsql immutable strict as $$
declare
  name text; part jsonb; kind text; number float8; written text; key text := '';
begin
  if jsonb_typeof(parts) <> 'object' then
    raise exception 'a key is made of a record of values, not of %: give it jsonb_build_object(…)', jsonb_typeof(parts);
  end if;
  for name, part in select each.key, each.value from jsonb_each(parts) each order by each.key collate "C" loop
    if name !~ '^[A-Za-z_][A-Za-z0-9_]*$' then
      raise exception 'part "%" of a key: a name has letters, digits and _ only', name;
    end if;
    kind := jsonb_typeof(part);
    if kind in ('object', 'array') then
      raise exception 'part "%" of a key is %: it may be a text, a number, a boolean or null', name, kind;
    elsif kind = 'number' then
      number := (part #>> '{}')::float8;
      written := case
        when abs(number) >= 1e21 or abs(number) < 1e-6 then regexp_replace(number::text, 'e([+-])0+', 'e\1')
        else trim_scale(number::text::numeric)::text
      end;
    else
      written := part::text;
    end if;
    key := key || case when key = '' then '' else ',' end || to_json(name)::text || ':' || written;
  end loop;
  return '{' || key || '}';
end $$`
