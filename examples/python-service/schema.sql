-- The service's own tables. Outbox and inbox are the machine's.
create table points (
  customer_id text not null,
  order_id text not null,
  points int not null,
  primary key (customer_id, order_id)
);
