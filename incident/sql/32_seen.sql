-- one row per request that may be one side of an edge-and-origin pair, in groups that can pair at all
--
-- rule other-vantage
-- An origin event whose peer is a trusted proxy stands for a request already logged where an edge event of the same
-- client, object and method overlaps it in time, within match_within; one edge event absorbs one origin event. A method that a log does not record is taken for any.
-- why: a CDN miss is logged twice, at the edge and at the origin.
with seen as (
    select
        r.request_no, r.dataset_id, r.client_id, r.object_id, r.method, r.tier, r.proxied, r.started_us, r.ended_us
    from request r
    join client c
        on c.client_id = r.client_id
    left join duplicate d
        on d.request_no = r.request_no
    where d.request_no is null
        and not r.inner_hop
        and c.client_ip <> ''
),
pairable as (
    select dataset_id, client_id, object_id
    from seen
    group by dataset_id, client_id, object_id
    having min(tier) <> max(tier)
        and max(case when tier > 0 and proxied then 1 else 0 end) = 1
)
select
    s.request_no,
    dense_rank() over (order by s.dataset_id, s.client_id, s.object_id) as group_no,
    s.tier,
    s.method,
    s.proxied,
    s.started_us,
    s.ended_us
from seen s
join pairable p
    on p.dataset_id = s.dataset_id
    and p.client_id = s.client_id
    and p.object_id = s.object_id
order by group_no, s.request_no
