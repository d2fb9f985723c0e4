-- one row per evidence item with events whose line has no time: how many
select evidence_id, count(*) as untimed
from event
where ts_us is null
group by evidence_id
order by evidence_id
