-- The services' tables as verification needs them, in the session's own temporary schema: nobody else sees them, they
-- are not logged, and they are gone with the session, however it ends.
-- Texts are compared and ordered by their code points, as everywhere else; a database's own collation may differ.
create temp table customers (
  customer_id text collate "C", unique_id text collate "C",
  zip text collate "C", city text collate "C", state text collate "C"
);
create temp table products (product_id text collate "C", category text collate "C");
create temp table sellers (seller_id text collate "C", city text collate "C", state text collate "C");
create temp table category_translations (category text collate "C", english text collate "C");
create temp table orders (
  order_id text collate "C", customer_id text collate "C", status text collate "C",
  purchased_at timestamptz, approved_at timestamptz, estimated_at timestamptz
);
create temp table items (
  order_id text collate "C", item_no int, product_id text collate "C", seller_id text collate "C",
  price_cents bigint, freight_cents bigint, ship_by timestamptz
);
create temp table payments (
  order_id text collate "C", sequence int, type text collate "C", installments int, cents bigint
);
create temp table shipments (
  shipment_id text collate "C", order_id text collate "C", status text collate "C",
  shipped_at timestamptz, delivered_at timestamptz
);
create temp table reviews (
  order_id text collate "C", review_id text collate "C", score int, created_at timestamptz, answered_at timestamptz
);

-- How a document writes an instant: ISO 8601 in UTC with milliseconds, years outside of 0 to 9999 with a sign and six
-- digits (ECMA-262, "Expanded Years"; the year before 1 is 0, which Postgres calls 1 BC). Null stays null.
create function pg_temp.iso(at timestamptz) returns text language sql immutable
  return (
    select case when year between 0 and 9999 then lpad(year::text, 4, '0')
      else case when year < 0 then '-' else '+' end || lpad(abs(year)::text, 6, '0') end
      || to_char(utc, '-MM-DD"T"HH24:MI:SS.MS"Z"')
    from (
      select utc, extract(year from utc)::int + (extract(year from utc) < 0)::int as year
      from (select at at time zone 'UTC' as utc) zoned
    ) dated
    where at is not null
  );

-- What an item is called by: the category's English name, its own where it has no translation, unknown where the
-- product has none.
create temp view categorised_items as
  select items.*, coalesce(category_translations.english, products.category, 'unknown') as category
  from items
  left join products using (product_id)
  left join category_translations using (category);

-- An order's score is that of its latest review.
create temp view order_scores as
  select distinct on (order_id) order_id, score
  from reviews
  order by order_id, coalesce(answered_at, created_at) desc, review_id desc;

-- Shipped with the first of its shipments, delivered with the last, once all of them are.
create temp view order_deliveries as
  select
    order_id,
    min(shipped_at) as shipped_at,
    case when bool_and(status = 'delivered') then max(delivered_at) end as delivered_at
  from shipments
  group by order_id;
