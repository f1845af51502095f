-- Read model `loans`: what the index has to hold, in one query over both databases.
select
  loan_id as key,
  json_strip_nulls(json_build_object(
    'loanId', loan_id,
    'title', title,
    'member', name,
    'lentAt', pg_temp.iso(lent_at),
    'returnedAt', pg_temp.iso(returned_at)
  )) as document
from loans
left join members using (member_id)
