-- one row per (data set, sighting): the request that shows a bound of an exposure window, or the data set at all
--
-- rule sightings
-- Each bound of a window is a request: the last closed one before, the first and the last open one, the first closed one
-- after. Of several at one time the first in the evidence stands for it.
with known as (
    select
        o.dataset_id, o.request_no, o.started_us, o.ended_us, o.seen,
        w.window_no, w.opened_after_us, w.first_seen_us, w.last_seen_us, w.closed_by_us
    from observation o
    join exposure_window w
        on w.dataset_id = o.dataset_id
    where (o.seen = 'closed' and (o.started_us = w.opened_after_us or o.ended_us = w.closed_by_us))
        or (o.seen = 'open' and (o.started_us = w.first_seen_us or o.ended_us = w.last_seen_us))
),
last_open as (
    select dataset_id, max(started_us) as started_us
    from observation
    where seen = 'open'
    group by dataset_id
),
sighted as (
    select dataset_id, window_no, 'opened-after' as kind, opened_after_us as at_us, request_no
    from known
    where seen = 'closed' and started_us = opened_after_us
    union all
    select dataset_id, window_no, 'first-open' as kind, first_seen_us as at_us, request_no
    from known
    where seen = 'open' and started_us = first_seen_us
    union all
    select dataset_id, window_no, 'last-open' as kind, last_seen_us as at_us, request_no
    from known
    where seen = 'open' and ended_us = last_seen_us
    union all
    select dataset_id, window_no, 'closed-by' as kind, closed_by_us as at_us, request_no
    from known
    where seen = 'closed' and ended_us = closed_by_us
    union all
    -- rule first-observation
    -- The first request of any status, by an outsider, for any object of the data set.
    select r.dataset_id, cast(0 as bigint) as window_no, 'first-observation' as kind, r.started_us as at_us, r.request_no
    from request r
    join bucket b
        on b.request_no = r.request_no
    where b.bucket not in ('duplicate', 'internal')
        and not r.internal
        and r.started_us is not null
    union all
    -- rule first-denial
    -- The first closed observation after the last open one of the whole data set: it was taken down by then, as far as the
    -- object asked for shows it.
    select o.dataset_id, cast(0 as bigint) as window_no, 'first-denial' as kind, o.ended_us as at_us, o.request_no
    from observation o
    join last_open l
        on l.dataset_id = o.dataset_id
    where o.seen = 'closed' and o.started_us > l.started_us
),
ranked as (
    select
        sighted.*,
        row_number() over (
            partition by dataset_id, window_no, kind
            order by at_us, request_no
        ) as nth
    from sighted
)
select
    k.dataset_id,
    k.window_no,
    k.kind,
    k.at_us,
    r.evidence_id,
    r.line_no,
    c.client_ip,
    j.path as object
from ranked k
join request r
    on r.request_no = k.request_no
join client c
    on c.client_id = r.client_id
join object j
    on j.object_id = r.object_id
where k.nth = 1
order by k.at_us, k.dataset_id, k.window_no, k.kind
