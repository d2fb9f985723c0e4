-- one row per evidence item with events whose line has no time: how many (29_untimed)
select evidence_id, untimed
from untimed
order by evidence_id
