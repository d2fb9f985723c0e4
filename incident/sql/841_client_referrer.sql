-- one row per (data set, client address, outside site its requests named)
select
    r.dataset_id,
    c.client_ip,
    f.host,
    count(*) as requests
from request r
join bucket b
    on b.request_no = r.request_no
join gathered g
    on g.dataset_id = r.dataset_id
    and g.evidence_id = r.evidence_id
    and g.line_no = r.line_no
join outside_referer f
    on f.referer = g.referer
join client c
    on c.client_id = r.client_id
cross join period p
where b.bucket not in ('duplicate', 'other_vantage', 'internal')
    and (p.since_us is null or r.ended_us >= p.since_us)
    and (p.until_us is null or r.ended_us < p.until_us)
group by r.dataset_id, c.client_ip, f.host
order by r.dataset_id, c.client_ip, requests desc, f.host
