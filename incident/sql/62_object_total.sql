-- one row per object that was asked for within the period
with asked as (
    select r.dataset_id, r.object_id, count(*) as requests
    from request r
    cross join period p
    where (p.since_us is null or r.ended_us >= p.since_us)
        and (p.until_us is null or r.ended_us < p.until_us)
    group by r.dataset_id, r.object_id
),
wanted as (
    select w.*
    from download w
    cross join period p
    where (p.since_us is null or w.started_us >= p.since_us)
        and (p.until_us is null or w.started_us < p.until_us)
),
taken as (
    select
        w.object_id,
        count(*) as downloads,
        count(case when w.completeness = 'full' then 1 end) as downloads_full,
        count(case when w.completeness = 'partial' then 1 end) as downloads_partial,
        count(case when w.completeness = 'undetermined' then 1 end) as downloads_undetermined,
        count(distinct case when c.client_ip <> '' then c.client_ip end) as unique_ips,
        min(w.started_us) as first_download_us,
        max(w.ended_us) as last_download_us
    from wanted w
    join client c
        on c.client_id = w.client_id
    group by w.object_id
),
held as (
    select h.object_id, count(*) as clients_full_copy
    from holding h
    join (select distinct object_id, client_id, agent_id from wanted) w
        on w.object_id = h.object_id
        and w.client_id = h.client_id
        and w.agent_id = h.agent_id
    group by h.object_id
)
select
    o.dataset_id,
    o.object_id,
    o.path,
    a.requests,
    coalesce(t.downloads, 0) as downloads,
    coalesce(t.downloads_full, 0) as downloads_full,
    coalesce(t.downloads_partial, 0) as downloads_partial,
    coalesce(t.downloads_undetermined, 0) as downloads_undetermined,
    coalesce(t.unique_ips, 0) as unique_ips,
    coalesce(h.clients_full_copy, 0) as clients_full_copy,
    t.first_download_us,
    t.last_download_us
from asked a
join object o
    on o.object_id = a.object_id
left join taken t
    on t.object_id = a.object_id
left join held h
    on h.object_id = a.object_id
order by o.dataset_id, downloads desc, a.requests desc, o.path
