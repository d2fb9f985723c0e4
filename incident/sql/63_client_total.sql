-- one row per (data set, client address) with a request within the period
with asked as (
    select r.dataset_id, r.client_id, count(*) as requests
    from request r
    join bucket b
        on b.request_no = r.request_no
    cross join period p
    where b.bucket not in ('duplicate', 'other_vantage', 'internal')
        and (p.since_us is null or r.ended_us >= p.since_us)
        and (p.until_us is null or r.ended_us < p.until_us)
    group by r.dataset_id, r.client_id
),
taken as (
    select
        w.dataset_id,
        w.client_id,
        count(*) as downloads,
        count(case when w.completeness = 'full' then 1 end) as downloads_full,
        count(case when w.completeness = 'partial' then 1 end) as downloads_partial,
        count(case when w.completeness = 'undetermined' then 1 end) as downloads_undetermined,
        count(distinct w.object_id) as objects,
        count(distinct w.agent_id) as agents,
        max(case when a.automated then 1 else 0 end) as automated,
        cast(sum(w.bytes_sent) as bigint) as bytes_sent,
        min(w.started_us) as first_us,
        max(w.ended_us) as last_us
    from download w
    join agent a
        on a.agent_id = w.agent_id
    cross join period p
    where (p.since_us is null or w.started_us >= p.since_us)
        and (p.until_us is null or w.started_us < p.until_us)
    group by w.dataset_id, w.client_id
),
held as (
    select distinct dataset_id, client_id
    from holding
)
select
    t.dataset_id,
    c.client_ip,
    coalesce(a.requests, 0) as requests,
    t.downloads,
    t.downloads_full,
    t.downloads_partial,
    t.downloads_undetermined,
    h.client_id is not null as holds_full_copy,
    t.objects,
    t.agents,
    t.automated = 1 as automated,
    t.bytes_sent,
    t.first_us,
    t.last_us
from taken t
join client c
    on c.client_id = t.client_id
left join asked a
    on a.dataset_id = t.dataset_id
    and a.client_id = t.client_id
left join held h
    on h.dataset_id = t.dataset_id
    and h.client_id = t.client_id
order by t.dataset_id, t.downloads desc, t.bytes_sent desc, c.client_ip
