-- one row per (client address, data set) it downloaded within the period
with held as (
    select distinct dataset_id, client_id
    from holding
)
select
    c.client_ip,
    w.dataset_id,
    count(*) as downloads,
    count(distinct w.object_id) as objects,
    max(case when g.automated then 1 else 0 end) as automated,
    max(case when h.client_id is null then 0 else 1 end) as holds,
    min(w.started_us) as first_us,
    max(w.ended_us) as last_us
from download w
join client c
    on c.client_id = w.client_id
join agent g
    on g.agent_id = w.agent_id
left join held h
    on h.dataset_id = w.dataset_id
    and h.client_id = w.client_id
cross join period p
where c.client_ip <> ''
    and (p.since_us is null or w.started_us >= p.since_us)
    and (p.until_us is null or w.started_us < p.until_us)
group by c.client_ip, w.dataset_id
order by c.client_ip, w.dataset_id
