-- one row per data set: the headline figures, within the period that was asked for
--
-- rule download-time
-- A download is counted in the period in which it starts.
with wanted as (
    select w.*
    from download w
    cross join period p
    where (p.since_us is null or w.started_us >= p.since_us)
        and (p.until_us is null or w.started_us < p.until_us)
),
taken as (
    select
        w.dataset_id,
        count(*) as downloads,
        count(case when w.completeness = 'full' then 1 end) as downloads_full,
        count(case when w.completeness = 'partial' then 1 end) as downloads_partial,
        count(case when w.completeness = 'undetermined' then 1 end) as downloads_undetermined,
        count(case when a.automated then 1 end) as downloads_automated,
        -- rule unique-ips
        -- Unique IPs are the distinct client addresses of the downloads. They are not people.
        count(distinct case when c.client_ip <> '' then c.client_ip end) as unique_ips,
        count(distinct case when c.client_ip <> '' and a.automated then c.client_ip end) as unique_ips_automated,
        count(case when w.with_headers = 1 and w.completeness = 'full' then 1 end) as full_with_headers,
        count(case when w.without_ranges = 1 then 1 end) as without_ranges,
        min(w.started_us) as first_download_us,
        max(w.ended_us) as last_download_us
    from wanted w
    join client c
        on c.client_id = w.client_id
    join agent a
        on a.agent_id = w.agent_id
    group by w.dataset_id
),
held as (
    -- rule clients-full-copy
    -- A client is an address with a user agent. Of those that downloaded in the period, these hold a full copy by all that
    -- they received at any time.
    select h.dataset_id, count(*) as clients_full_copy
    from (select distinct dataset_id, client_id, agent_id from holding) h
    join (select distinct dataset_id, client_id, agent_id from wanted) w
        on w.dataset_id = h.dataset_id
        and w.client_id = h.client_id
        and w.agent_id = h.agent_id
    group by h.dataset_id
)
select
    d.dataset_id,
    d.name,
    coalesce(t.downloads, 0) as downloads,
    coalesce(t.downloads_full, 0) as downloads_full,
    coalesce(t.downloads_partial, 0) as downloads_partial,
    coalesce(t.downloads_undetermined, 0) as downloads_undetermined,
    coalesce(t.downloads_automated, 0) as downloads_automated,
    coalesce(t.unique_ips, 0) as unique_ips,
    coalesce(t.unique_ips_automated, 0) as unique_ips_automated,
    coalesce(t.full_with_headers, 0) as full_with_headers,
    coalesce(t.without_ranges, 0) as without_ranges,
    coalesce(h.clients_full_copy, 0) as clients_full_copy,
    t.first_download_us,
    t.last_download_us
from dataset d
left join taken t
    on t.dataset_id = d.dataset_id
left join held h
    on h.dataset_id = d.dataset_id
order by d.dataset_id
