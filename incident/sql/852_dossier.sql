-- one row per line of the addresses asked for, over all events of the case, in order of time
with asked as (
    select
        s.address,
        i.vantage,
        i.item_order,
        e.*,
        e.ts_us + i.clock_offset_us - case
            when r.ts_kind = 'end' or (r.ts_kind = 'unknown' and i.server = 'nginx') then coalesce(e.duration_us, 0)
            else 0
        end as started_us
    from event e
    join site_identity s
        on s.peer_ip = coalesce(e.peer_ip, '')
        and s.forwarded_for = coalesce(e.forwarded_for, '')
    join dossier_address d
        on d.address = s.address
    join item i
        on i.evidence_id = e.evidence_id
    join reading r
        on r.evidence_id = e.evidence_id
        and r.reading = e.reading
),
placed as (
    select
        asked.*,
        row_number() over (
            order by case when started_us is null then 1 else 0 end, started_us, item_order, evidence_id, line_no
        ) as place
    from asked
),
idle as (
    select
        placed.*,
        started_us - lag(started_us) over (partition by address order by place) as idle_us
    from placed
)
select
    -- Each address has visits of its own.
    cast(sum(case when idle_us is null or idle_us >= v.visit_gap_us then 1 else 0 end) over (
        partition by address
        order by place
        rows between unbounded preceding and current row
    ) as bigint) as visit_no,
    place, started_us, evidence_id, line_no, byte_offset, vantage, address, peer_ip, peer_port, forwarded_for, method, host,
    path, query, status, bytes_sent, range_start, range_end, referer, user_agent
from idle
cross join visit_rule v
