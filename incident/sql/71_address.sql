-- one row per evidence item: its distinct addresses, and those that end where anonymising would cut them (28_address)
select evidence_id, v4, v4_cut, v6, v6_cut
from address
order by evidence_id
