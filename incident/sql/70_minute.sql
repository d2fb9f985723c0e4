-- one row per (evidence item, UTC minute with a line), in order of time: see 27_minute
select evidence_id, minute_us, lines, failed, served, missed, cache_known, first_us, last_us
from minute
order by minute_us, evidence_id
