-- The services' tables as verification needs them, in the session's own temporary schema: nobody else sees them, they
-- are not logged, and they are gone with the session, however it ends.
create temp table customers (customer_id text, unique_id text, zip text, city text, state text);
create temp table products (product_id text, category text);
create temp table sellers (seller_id text, city text, state text);
create temp table category_translations (category text, english text);
create temp table orders (
  order_id text, customer_id text, status text,
  purchased_at timestamptz, approved_at timestamptz, estimated_at timestamptz
);
create temp table items (
  order_id text, item_no int, product_id text, seller_id text,
  price_cents bigint, freight_cents bigint, ship_by timestamptz
);
create temp table payments (order_id text, sequence int, type text, installments int, cents bigint);
create temp table shipments (
  shipment_id text, order_id text, status text, shipped_at timestamptz, delivered_at timestamptz
);
create temp table reviews (
  order_id text, review_id text, score int, created_at timestamptz, answered_at timestamptz
);

-- How a document writes an instant: ISO 8601 in UTC with milliseconds. Null stays null.
create function pg_temp.iso(at timestamptz) returns text language sql immutable
  return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

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
  order by order_id, coalesce(answered_at, created_at) desc, review_id collate "C" desc;

-- Shipped with the first of its shipments, delivered with the last, once all of them are.
create temp view order_deliveries as
  select
    order_id,
    min(shipped_at) as shipped_at,
    case when bool_and(status = 'delivered') then max(delivered_at) end as delivered_at
  from shipments
  group by order_id;
