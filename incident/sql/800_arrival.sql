-- one row per event that an outside page referred to the site
--
-- rule arrival
-- An arrival is a request whose Referer names a host that is not the site's own, by a client that is not internal.
select
    f.host,
    s.client_ip,
    i.item_order,
    e.evidence_id,
    e.line_no,
    -- A request starts at its logged time, or its duration earlier where the log stamps the end.
    e.ts_us + i.clock_offset_us - case
        when r.ts_kind = 'end' or (r.ts_kind = 'unknown' and i.server = 'nginx') then coalesce(e.duration_us, 0)
        else 0
    end as started_us
from event e
join outside_referer f
    on f.referer = e.referer
join item i
    on i.evidence_id = e.evidence_id
join reading r
    on r.evidence_id = e.evidence_id
    and r.reading = e.reading
join site_identity s
    on s.peer_ip = coalesce(e.peer_ip, '')
    and s.forwarded_for = coalesce(e.forwarded_for, '')
where e.ts_us is not null
    and not s.internal
