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
shown as (
    select
        t.dataset_id,
        t.start_us,
        t.end_us,
        o.request_no,
        o.seen,
        row_number() over (
            partition by t.dataset_id, t.start_us, o.seen
            order by o.started_us, o.ended_us, o.request_no
        ) as nth,
        count(*) over (partition by t.dataset_id, t.start_us, o.seen) as requests
    from out t
    join observation o
        on o.dataset_id = t.dataset_id
        and (
            (o.seen = 'unavailable' and o.started_us >= t.start_us and o.started_us < t.end_us)
            or (o.seen = 'open' and o.started_us = t.end_us)
        )
)
select
    t.dataset_id,
    t.start_us,
    t.end_us,
    coalesce(f.requests, 0) as errors,
    a.evidence_id as start_evidence_id,
    a.line_no as start_line_no,
    b.evidence_id as end_evidence_id,
    b.line_no as end_line_no
from out t
left join shown f
    on f.dataset_id = t.dataset_id
    and f.start_us = t.start_us
    and f.seen = 'unavailable'
    and f.nth = 1
left join request a
    on a.request_no = f.request_no
left join shown g
    on g.dataset_id = t.dataset_id
    and g.start_us = t.start_us
    and g.seen = 'open'
    and g.nth = 1
left join request b
    on b.request_no = g.request_no
order by t.start_us, t.dataset_id
