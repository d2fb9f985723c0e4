-- one row per (evidence item, data set) with requests: what the item gives to the data set
select
    v.path,
    s.name as dataset,
    count(*) as requests,
    count(case when b.bucket = 'counted' then 1 end) as transfers,
    count(w.download_no) as downloads
from request r
join bucket b
    on b.request_no = r.request_no
join evidence v
    on v.evidence_id = r.evidence_id
join dataset s
    on s.dataset_id = r.dataset_id
left join download w
    on w.download_no = r.request_no
group by v.path, s.name
order by v.path, s.name
