-- one row per (vantage, minute with a line that says how the site fared): answers and errors
--
-- rule failing-minute
-- A vantage fails in a minute in which at least half of its answers are errors (5xx). Answers to clients that left (499), that
-- came too often (429) or too slowly (408) say nothing of the site.
with timed as (
    select
        i.vantage,
        e.status,
        e.ts_us + i.clock_offset_us - case
            when r.ts_kind = 'end' or (r.ts_kind = 'unknown' and i.server = 'nginx') then coalesce(e.duration_us, 0)
            else 0
        end as started_us
    from event e
    join item i
        on i.evidence_id = e.evidence_id
    join reading r
        on r.evidence_id = e.evidence_id
        and r.reading = e.reading
    where e.ts_us is not null
        and e.status >= 200
        and e.status not in (408, 429, 499)
)
select
    vantage,
    started_us - mod(started_us, 60000000) as minute_us,
    count(*) as answers,
    count(case when status >= 500 then 1 end) as errors
from timed
group by vantage, started_us - mod(started_us, 60000000)
