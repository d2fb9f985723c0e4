-- one row per (declared restoration, vantage that still failed then): the errors from then to the end of the crash
with error as (
    select
        m.claim_no,
        e.evidence_id,
        e.line_no,
        i.item_order,
        e.ts_us + i.clock_offset_us - case
            when r.ts_kind = 'end' or (r.ts_kind = 'unknown' and i.server = 'nginx') then coalesce(e.duration_us, 0)
            else 0
        end as started_us,
        m.from_us,
        m.until_us
    from site_claim m
    join item i
        on i.vantage = m.vantage
    join event e
        on e.evidence_id = i.evidence_id
    join reading r
        on r.evidence_id = e.evidence_id
        and r.reading = e.reading
    where e.status >= 500
),
within as (
    select
        error.*,
        row_number() over (
            partition by claim_no
            order by started_us, item_order, evidence_id, line_no
        ) as nth
    from error
    where started_us >= from_us
        and (until_us is null or started_us < until_us)
),
total as (
    select claim_no, count(*) as requests, min(started_us) as first_us, max(started_us) as last_us
    from within
    group by claim_no
)
select t.claim_no, t.requests, t.first_us, t.last_us, w.evidence_id, w.line_no
from total t
join within w
    on w.claim_no = t.claim_no
    and w.nth = 1
order by t.claim_no
