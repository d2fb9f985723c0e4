-- one row per (data set, client address) whose own source ports the log records
--
-- rule source-port
-- A source port is the client's own only where the client is the peer; behind a proxy it is the proxy's.
-- why: behind a shared address the port and the exact time tell one subscriber from another (RFC 6302).
select
    r.dataset_id,
    c.client_ip,
    count(distinct g.peer_port) as ports
from request r
join gathered g
    on g.dataset_id = r.dataset_id
    and g.evidence_id = r.evidence_id
    and g.line_no = r.line_no
join client c
    on c.client_id = r.client_id
where g.peer_port is not null
    and not r.proxied
group by r.dataset_id, c.client_ip
order by r.dataset_id, c.client_ip
