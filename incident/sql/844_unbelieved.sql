-- one row per (data set, peer) that sent a forwarded-for header without being a trusted proxy
--
-- rule unbelieved
-- A forwarded-for header from a peer that is no trusted proxy is recorded, never believed: the peer is the client.
with found as (
    select
        r.dataset_id,
        g.peer_ip,
        g.forwarded_for,
        r.started_us,
        r.evidence_id,
        r.line_no,
        row_number() over (
            partition by r.dataset_id, g.peer_ip
            order by r.started_us, r.request_no
        ) as nth
    from request r
    join gathered g
        on g.dataset_id = r.dataset_id
        and g.evidence_id = r.evidence_id
        and g.line_no = r.line_no
    join bucket b
        on b.request_no = r.request_no
    cross join period p
    where not r.proxied
        and b.bucket <> 'duplicate'
        and g.peer_ip is not null
        and g.forwarded_for is not null
        and g.forwarded_for not in ('', '-')
        and (p.since_us is null or r.ended_us >= p.since_us)
        and (p.until_us is null or r.ended_us < p.until_us)
),
total as (
    select dataset_id, peer_ip, count(*) as requests
    from found
    group by dataset_id, peer_ip
)
select t.dataset_id, t.peer_ip, t.requests, f.forwarded_for, f.started_us, f.evidence_id, f.line_no
from total t
join found f
    on f.dataset_id = t.dataset_id
    and f.peer_ip = t.peer_ip
    and f.nth = 1
order by f.started_us, f.evidence_id, f.line_no, t.dataset_id, t.peer_ip
