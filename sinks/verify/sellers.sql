-- Read model `sellers`: one document per seller, also with zeros; canceled and unavailable orders don't count.
with sold as (
  select
    seller_id, order_id,
    count(*) as items,
    sum(price_cents) as price_cents,
    sum(freight_cents) as freight_cents
  from items
  join orders using (order_id)
  where status not in ('canceled', 'unavailable')
  group by seller_id, order_id
)
select
  seller_id as key,
  json_strip_nulls(json_build_object(
    'sellerId', seller_id,
    'city', min(sellers.city),
    'state', min(sellers.state),
    'orders', count(order_id),
    'items', coalesce(sum(items), 0)::bigint,
    'revenueCents', coalesce(sum(price_cents), 0)::bigint,
    'freightCents', coalesce(sum(freight_cents), 0)::bigint,
    'lateOrders', count(*) filter (where delivered_at > estimated_at),
    'averageScore', sum(score)::float8 / nullif(count(score), 0)
  )) as document
from sellers
left join sold using (seller_id)
left join orders using (order_id)
left join order_deliveries using (order_id)
left join order_scores using (order_id)
group by seller_id
