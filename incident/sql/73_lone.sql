-- one row per (data set, vantage, start) at which requests should stand in two logs: how many do, how many stand in one
--
-- rule edge-record-missing
-- A request that reached the origin through a trusted proxy, and that no nearer vantage logged.
--
-- rule origin-record-missing
-- A request that the edge's cache missed, and that no vantage behind it logged.
-- why: only what a cache could not answer itself reaches the origin; where the log does not say, nothing is concluded.
select
    r.dataset_id,
    r.vantage,
    r.started_us,
    count(case when o.origin_no is not null then 1 end) as pairs,
    count(case when r.proxied and r.tier > 0 and o.origin_no is null then 1 end) as without_edge,
    count(case when r.tier < 2 and lower(g.cache_status) like '%miss%' then 1 end) as missed,
    count(case when r.tier < 2 and lower(g.cache_status) like '%miss%' and e.edge_no is null then 1 end) as without_origin
from request r
join client c
    on c.client_id = r.client_id
    and c.client_ip <> ''
join gathered g
    on g.dataset_id = r.dataset_id
    and g.evidence_id = r.evidence_id
    and g.line_no = r.line_no
left join duplicate d
    on d.request_no = r.request_no
left join pairing o
    on o.origin_no = r.request_no
left join (select distinct edge_no from pairing) e
    on e.edge_no = r.request_no
where d.request_no is null
    and not r.inner_hop
group by r.dataset_id, r.vantage, r.started_us
having count(case when o.origin_no is not null then 1 end) > 0
    or count(case when r.proxied and r.tier > 0 then 1 end) > 0
    or count(case when r.tier < 2 and lower(g.cache_status) like '%miss%' then 1 end) > 0
order by r.dataset_id, r.vantage, r.started_us
