-- Read model `orders`: one document per order that any service knows of.
with known as (
  select order_id from orders
  union select order_id from items
  union select order_id from payments
  union select order_id from shipments
  union select order_id from reviews
),
item as (
  select
    order_id,
    json_agg(json_build_object(
      'itemNo', item_no,
      'productId', product_id,
      'category', category,
      'sellerId', seller_id,
      'priceCents', price_cents,
      'freightCents', freight_cents,
      'shipBy', pg_temp.iso(ship_by)
    ) order by item_no) as list,
    count(*) as count,
    sum(price_cents)::bigint as price_cents,
    sum(freight_cents)::bigint as freight_cents
  from categorised_items
  group by order_id
),
payment as (
  select
    order_id,
    json_agg(json_build_object(
      'sequence', sequence,
      'type', type,
      'installments', installments,
      'cents', cents
    ) order by sequence) as list,
    sum(cents)::bigint as cents
  from payments
  group by order_id
),
figures as (
  select
    known.order_id,
    o.customer_id, o.status, o.purchased_at, o.approved_at, o.estimated_at,
    d.shipped_at, d.delivered_at,
    coalesce(item.list, '[]') as items,
    coalesce(item.count, 0) as item_count,
    coalesce(item.price_cents, 0) as items_cents,
    coalesce(item.freight_cents, 0) as freight_cents,
    coalesce(payment.list, '[]') as payments,
    coalesce(payment.cents, 0) as paid_cents,
    s.score
  from known
  left join orders o using (order_id)
  left join order_deliveries d using (order_id)
  left join item using (order_id)
  left join payment using (order_id)
  left join order_scores s using (order_id)
)
select
  order_id as key,
  json_strip_nulls(json_build_object(
    'orderId', order_id,
    'status', status,
    'purchasedAt', pg_temp.iso(purchased_at),
    'approvedAt', pg_temp.iso(approved_at),
    'shippedAt', pg_temp.iso(shipped_at),
    'deliveredAt', pg_temp.iso(delivered_at),
    'estimatedAt', pg_temp.iso(estimated_at),
    'customer', case when customer_id is not null then json_build_object(
      'customerId', customer_id,
      'uniqueId', c.unique_id,
      'city', c.city,
      'state', c.state,
      'zip', c.zip
    ) end,
    'items', items,
    'itemCount', item_count,
    'itemsCents', items_cents,
    'freightCents', freight_cents,
    'totalCents', items_cents + freight_cents,
    'payments', payments,
    'paidCents', paid_cents,
    'balanceCents', paid_cents - items_cents - freight_cents,
    'reviewScore', score,
    'late', delivered_at > estimated_at,
    'deliveryDays', floor(extract(epoch from delivered_at - purchased_at) / 86400)::int
  )) as document
from figures
left join customers c using (customer_id)
