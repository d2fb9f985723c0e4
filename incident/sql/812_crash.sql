-- one row per spell in which a vantage answered mostly with errors, with the lines in which it begins and ends
--
-- rule crash
-- A run of failing minutes is a crash where it holds at least 10 errors (5xx), for at least 3 addresses and 2 paths.
-- why: one robot at one broken page is no crash of the site.
--
-- rule crash-bounds
-- It begins with the first error that no other answer follows before the first failing minute's errors, and ends with the
-- first other answer after the last of its errors.
with likely as (
    select *
    from failing_run
    where errors >= 10
),
timed as (
    select
        l.vantage,
        l.run_no,
        l.first_minute_us,
        l.last_minute_us,
        e.path,
        e.peer_ip,
        e.forwarded_for,
        e.evidence_id,
        e.line_no,
        i.item_order,
        case when e.status >= 500 then 1 else 0 end as error,
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
    join likely l
        on l.vantage = i.vantage
        -- logged up to an hour after it started: wide enough for any answer, narrow enough to be quick
        and e.ts_us + i.clock_offset_us >= l.first_minute_us - 60000000
        and e.ts_us + i.clock_offset_us < case
            when l.well_minute_us > l.last_minute_us then l.well_minute_us
            else l.last_minute_us
        end + 3660000000
    where e.status >= 200
        and e.status not in (408, 429, 499)
),
near as (
    select *
    from timed
    where started_us >= first_minute_us - 60000000
),
last_error as (
    select vantage, run_no, max(started_us) as last_error_us
    from near
    where error = 1 and started_us < last_minute_us + 60000000
    group by vantage, run_no
),
first_error as (
    select vantage, run_no, min(started_us) as first_error_us
    from near
    where error = 1 and started_us >= first_minute_us
    group by vantage, run_no
),
well_before as (
    select n.vantage, n.run_no, max(n.started_us) as well_us
    from near n
    join first_error f
        on f.vantage = n.vantage
        and f.run_no = n.run_no
    where n.error = 0 and n.started_us < f.first_error_us
    group by n.vantage, n.run_no
),
begins as (
    select
        n.*,
        row_number() over (
            partition by n.vantage, n.run_no
            order by n.started_us, n.item_order, n.evidence_id, n.line_no
        ) as nth
    from near n
    left join well_before w
        on w.vantage = n.vantage
        and w.run_no = n.run_no
    where n.error = 1 and (w.well_us is null or n.started_us > w.well_us)
),
ends as (
    select
        n.*,
        row_number() over (
            partition by n.vantage, n.run_no
            order by n.started_us, n.item_order, n.evidence_id, n.line_no
        ) as nth
    from near n
    join last_error z
        on z.vantage = n.vantage
        and z.run_no = n.run_no
    where n.error = 0 and n.started_us > z.last_error_us
),
within as (
    select
        n.vantage,
        n.run_no,
        count(*) as answers,
        cast(sum(n.error) as bigint) as errors,
        count(distinct case when n.error = 1 then coalesce(n.peer_ip, '') || ' ' || coalesce(n.forwarded_for, '') end)
            as addresses,
        count(distinct case when n.error = 1 then coalesce(n.path, '') end) as paths
    from near n
    join begins b
        on b.vantage = n.vantage
        and b.run_no = n.run_no
        and b.nth = 1
    join last_error z
        on z.vantage = n.vantage
        and z.run_no = n.run_no
    where n.started_us between b.started_us and z.last_error_us
    group by n.vantage, n.run_no
)
select
    w.vantage,
    b.started_us as start_us,
    b.evidence_id as start_evidence_id,
    b.line_no as start_line_no,
    e.started_us as end_us,
    e.evidence_id as end_evidence_id,
    e.line_no as end_line_no,
    w.errors,
    w.answers,
    w.addresses,
    w.paths
from within w
join begins b
    on b.vantage = w.vantage
    and b.run_no = w.run_no
    and b.nth = 1
left join ends e
    on e.vantage = w.vantage
    and e.run_no = w.run_no
    and e.nth = 1
where w.addresses >= 3 and w.paths >= 2
order by start_us, w.vantage
