-- one row per outside referrer: its first arrival, its first at the data, and how many addresses it led here
--
-- rule word-spread
-- An outside site's first arrival is the first request anywhere on the site that names it in its Referer, from when the
-- data may have been open; where the logs do not bound that, in the whole log.
-- why: word of a page spreads by links to the page, seldom by links to the file itself.
with since as (
    select
        a.*,
        case when b.from_us is null or a.started_us >= b.from_us then 1 else 0 end as late
    from arrival a
    cross join open_bound b
),
placed as (
    select
        since.*,
        row_number() over (
            partition by host, late
            order by started_us, item_order, evidence_id, line_no
        ) as nth
    from since
),
at_data as (
    select
        p.host, p.evidence_id, p.line_no, p.started_us, r.dataset_id,
        row_number() over (
            partition by p.host
            order by p.started_us, p.item_order, p.evidence_id, p.line_no, r.dataset_id
        ) as nth
    from placed p
    join request r
        on r.evidence_id = p.evidence_id
        and r.line_no = p.line_no
    join bucket b
        on b.request_no = r.request_no
    where b.bucket not in ('duplicate', 'internal')
),
last_download as (
    select c.client_ip, max(w.started_us) as started_us
    from download w
    join client c
        on c.client_id = w.client_id
    group by c.client_ip
),
led as (
    select p.host, p.client_ip, min(p.started_us) as started_us
    from placed p
    where p.late = 1
    group by p.host, p.client_ip
),
people as (
    select
        l.host,
        count(*) as addresses,
        count(case when w.started_us >= l.started_us then 1 end) as downloading_addresses
    from led l
    left join last_download w
        on w.client_ip = l.client_ip
    group by l.host
),
totals as (
    select
        host,
        cast(sum(late) as bigint) as lines,
        cast(sum(1 - late) as bigint) as earlier_lines
    from placed
    group by host
)
select
    t.host,
    f.started_us as first_us,
    f.evidence_id,
    f.line_no,
    f.client_ip,
    d.started_us as first_at_data_us,
    d.evidence_id as data_evidence_id,
    d.line_no as data_line_no,
    t.lines,
    t.earlier_lines,
    p.addresses,
    p.downloading_addresses
from totals t
join placed f
    on f.host = t.host
    and f.late = 1
    and f.nth = 1
join people p
    on p.host = t.host
left join at_data d
    on d.host = t.host
    and d.nth = 1
order by first_us, t.host
