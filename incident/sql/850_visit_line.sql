-- one row per line of an address that downloaded: the visit it stands in, over all events of the case
--
-- rule visit
-- A visit is the lines of one client address, each less than the visit gap (30 minutes) after the one before.
-- why: half an hour is the customary end of a visit in web statistics. Copies of a line and lines of a second vantage are
-- lines too: for requests outside the data sets nothing tells them apart.
with taker as (
    select distinct c.client_ip
    from download w
    join client c
        on c.client_id = w.client_id
    cross join period p
    where c.client_ip <> ''
        and (p.since_us is null or w.started_us >= p.since_us)
        and (p.until_us is null or w.started_us < p.until_us)
),
asked as (
    select
        s.client_ip,
        e.evidence_id,
        e.line_no,
        i.item_order,
        e.path,
        e.ts_us + i.clock_offset_us - case
            when r.ts_kind = 'end' or (r.ts_kind = 'unknown' and i.server = 'nginx') then coalesce(e.duration_us, 0)
            else 0
        end as started_us
    from event e
    join site_identity s
        on s.peer_ip = coalesce(e.peer_ip, '')
        and s.forwarded_for = coalesce(e.forwarded_for, '')
    join taker t
        on t.client_ip = s.client_ip
    join item i
        on i.evidence_id = e.evidence_id
    join reading r
        on r.evidence_id = e.evidence_id
        and r.reading = e.reading
    where e.ts_us is not null
),
idle as (
    select
        asked.*,
        started_us - lag(started_us) over (
            partition by client_ip
            order by started_us, item_order, evidence_id, line_no
        ) as idle_us
    from asked
),
numbered as (
    select
        idle.*,
        cast(sum(case when idle_us is null or idle_us >= v.visit_gap_us then 1 else 0 end) over (
            partition by client_ip
            order by started_us, item_order, evidence_id, line_no
            rows between unbounded preceding and current row
        ) as bigint) as visit_no
    from idle
    cross join visit_rule v
),
matched as (
    select
        r.evidence_id,
        r.line_no,
        max(case when m.request_no is null then 0 else 1 end) as took
    from request r
    left join member m
        on m.request_no = r.request_no
    group by r.evidence_id, r.line_no
)
select
    n.client_ip,
    n.visit_no,
    n.path,
    case when m.evidence_id is null then 0 else 1 end as matched,
    coalesce(m.took, 0) as took
from numbered n
left join matched m
    on m.evidence_id = n.evidence_id
    and m.line_no = n.line_no
