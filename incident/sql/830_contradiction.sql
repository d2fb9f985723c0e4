-- one row per claim of a declared event that the logs contradict: how many lines do, and the first of them
--
-- rule contradiction
-- A declared event claims that in a span no download begins, or no request finds the data open, closed or unavailable. Each
-- such request there is held against it, whatever the distance; how far the furthest lies is told beside it.
with fact as (
    select w.dataset_id, 'download' as seen, w.started_us, w.download_no as request_no
    from download w
    join client c
        on c.client_id = w.client_id
    where not c.internal
    union all
    select dataset_id, seen, started_us, request_no
    from observation
),
against as (
    select
        m.claim_no,
        f.started_us,
        f.request_no,
        row_number() over (
            partition by m.claim_no
            order by f.started_us, f.request_no
        ) as nth
    from claim m
    join fact f
        on f.dataset_id = m.dataset_id
        and f.seen = m.seen
        and (m.from_us is null or f.started_us >= m.from_us)
        and (m.until_us is null or f.started_us < m.until_us)
),
total as (
    select
        claim_no,
        count(*) as requests,
        min(started_us) as first_us,
        max(started_us) as last_us
    from against
    group by claim_no
)
select
    t.claim_no,
    t.requests,
    t.first_us,
    t.last_us,
    r.evidence_id,
    r.line_no
from total t
join against a
    on a.claim_no = t.claim_no
    and a.nth = 1
join request r
    on r.request_no = a.request_no
order by t.claim_no
