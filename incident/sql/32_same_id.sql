-- one row per pair of requests, behind a trusted proxy and nearer to the client, that share a request id
--
-- rule shared-id
-- A shared request id decides at once that two vantages logged one request.
with seen_once as (
    select r.request_no, r.dataset_id, r.tier, r.proxied, r.request_id, r.started_us
    from request r
    left join duplicate d
        on d.request_no = r.request_no
    where d.request_no is null
        and not r.inner_hop
        and r.request_id is not null
),
fitting as (
    select
        o.request_no as origin_no,
        o.tier,
        e.request_no as edge_no,
        row_number() over (partition by o.request_no order by e.tier, e.started_us, e.request_no) as nth_edge,
        row_number() over (partition by e.request_no, o.tier order by o.started_us, o.request_no) as nth_origin
    from seen_once o
    join seen_once e
        on e.dataset_id = o.dataset_id
        and e.request_id = o.request_id
        and e.tier < o.tier
    where o.proxied
)
select origin_no, tier, edge_no
from fitting
where nth_edge = 1 and nth_origin = 1
