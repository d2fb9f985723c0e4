-- one row per (evidence item, UTC minute with a line): how many lines it holds, of all paths
select
    e.evidence_id,
    -- The first microsecond of the minute, by the item's clock_offset.
    e.ts_us + i.clock_offset_us - mod(e.ts_us + i.clock_offset_us, 60000000) as minute_us,
    count(*) as lines,
    -- rule failed
    -- A request that the server failed to answer (5xx).
    count(case when e.status between 500 and 599 then 1 end) as failed,
    -- rule served
    -- A request that got an answer which is no failure of the server.
    count(case when e.status between 200 and 499 then 1 end) as served,
    -- rule missed
    -- A request that the cache had to put to the origin, and that got such an answer.
    count(case when e.status between 200 and 499 and lower(e.cache_status) like '%miss%' then 1 end) as missed,
    count(e.cache_status) as cache_known,
    min(e.ts_us + i.clock_offset_us) as first_us,
    max(e.ts_us + i.clock_offset_us) as last_us
from event e
join item i
    on i.evidence_id = e.evidence_id
where e.ts_us is not null
group by e.evidence_id, e.ts_us + i.clock_offset_us - mod(e.ts_us + i.clock_offset_us, 60000000)
order by minute_us, e.evidence_id
