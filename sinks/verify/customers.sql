-- Read model `customers`: one document per person who ordered; canceled orders count too.
with paid as (
  select order_id, sum(cents) as cents from payments group by order_id
)
select
  unique_id as key,
  json_strip_nulls(json_build_object(
    'uniqueId', unique_id,
    'orders', count(*),
    'spentCents', coalesce(sum(paid.cents), 0)::bigint,
    'firstOrderAt', pg_temp.iso(min(purchased_at)),
    'lastOrderAt', pg_temp.iso(max(purchased_at)),
    'averageScore', sum(score)::float8 / nullif(count(score), 0),
    'states', json_agg(distinct state order by state)
  )) as document
from orders
join customers using (customer_id)
left join paid using (order_id)
left join order_scores using (order_id)
group by unique_id
