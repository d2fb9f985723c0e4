-- one row per span of an exposure window in which no object of the data set was confirmed reachable
--
-- rule data-set-outage
-- A data set is out from the end of one confirmed span to the start of the next in the same exposure window. The line that
-- shows its begin is the first unavailable request then, the line that shows its end the first open one.
with spans as (
    select
        w.dataset_id,
        w.window_no,
        s.start_us,
        s.end_us,
        lead(s.start_us) over (
            partition by w.dataset_id, w.window_no
            order by s.start_us, s.end_us
        ) as again_us
    from exposure_window w
    join confirmed s
        on s.dataset_id = w.dataset_id
        and s.start_us >= w.first_seen_us
        and s.end_us <= w.last_seen_us
),
out as (
    select dataset_id, end_us as start_us, again_us as end_us
    from spans
    where again_us > end_us
),
marks as (
    select dataset_id, start_us as at_us, 0 as place, start_us, cast(0 as bigint) as request_no
    from out
    union all
    select dataset_id, started_us as at_us, 1 as place, cast(null as bigint) as start_us, request_no
    from observation
    where seen = 'unavailable'
),
placed as (
    -- Each unavailable request after the last outage that began before it: no comparison of all with all.
    select
        marks.*,
        max(start_us) over (
            partition by dataset_id
            order by at_us, place, request_no
            rows between unbounded preceding and current row
        ) as out_us
    from marks
),
failed as (
    select
        p.dataset_id,
        t.start_us,
        p.request_no,
        row_number() over (partition by p.dataset_id, t.start_us order by p.at_us, p.request_no) as nth,
        count(*) over (partition by p.dataset_id, t.start_us) as requests
    from placed p
    join out t
        on t.dataset_id = p.dataset_id
        and t.start_us = p.out_us
    where p.place = 1 and p.at_us < t.end_us
),
answered as (
    select
        t.dataset_id,
        t.start_us,
        o.request_no,
        row_number() over (partition by t.dataset_id, t.start_us order by o.ended_us, o.request_no) as nth
    from out t
    join observation o
        on o.dataset_id = t.dataset_id
        and o.started_us = t.end_us
    where o.seen = 'open'
)
select
    t.dataset_id,
    t.start_us,
    t.end_us,
    coalesce(f.requests, 0) as errors,
    -- rule brief-outage
    -- An outage is brief where it is shorter than max_interruption and holds fewer than 10 failed requests.
    -- why: a hiccup is no entry of a chronology; the windows keep it.
    case when t.end_us - t.start_us < k.max_interruption_us and coalesce(f.requests, 0) < 10 then 1 else 0 end as brief,
    a.evidence_id as start_evidence_id,
    a.line_no as start_line_no,
    b.evidence_id as end_evidence_id,
    b.line_no as end_line_no
from out t
cross join policy k
left join failed f
    on f.dataset_id = t.dataset_id
    and f.start_us = t.start_us
    and f.nth = 1
left join request a
    on a.request_no = f.request_no
left join answered g
    on g.dataset_id = t.dataset_id
    and g.start_us = t.start_us
    and g.nth = 1
left join request b
    on b.request_no = g.request_no
order by t.start_us, t.dataset_id
