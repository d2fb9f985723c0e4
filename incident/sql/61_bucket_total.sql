-- one row per (data set, bucket) that occurs: its requests within the period that was asked for
select
    r.dataset_id,
    b.bucket,
    count(*) as requests,
    count(case when r.tier > 0 and r.proxied then 1 end) as behind_proxy
from request r
join bucket b
    on b.request_no = r.request_no
cross join period p
where (p.since_us is null or r.ended_us >= p.since_us)
    and (p.until_us is null or r.ended_us < p.until_us)
group by r.dataset_id, b.bucket
order by r.dataset_id, b.bucket
