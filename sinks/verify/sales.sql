-- Read model `sales`: what was sold per day (UTC) of purchase, state of the customer, and category.
select
  -- As schemas/keys.ts writes it.
  concat_ws('|', day, replace(replace(state, '%', '%25'), '|', '%7C'), category) as key,
  json_build_object(
    'day', day,
    'state', state,
    'category', category,
    'orders', count(distinct order_id),
    'items', count(*),
    'revenueCents', sum(price_cents)::bigint,
    'freightCents', sum(freight_cents)::bigint
  ) as document
from (
  select
    order_id,
    left(pg_temp.iso(purchased_at), 10) as day,
    coalesce(customers.state, 'unknown') as state,
    category, price_cents, freight_cents
  from orders
  join categorised_items using (order_id)
  left join customers using (customer_id)
  where status not in ('canceled', 'unavailable')
) sold
group by day, state, category
