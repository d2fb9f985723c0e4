-- one row per (data set, client address, user agent) with downloads in the period, the agent of most downloads first
select
    w.dataset_id,
    c.client_ip,
    a.user_agent,
    a.automated,
    count(*) as downloads
from download w
join client c
    on c.client_id = w.client_id
join agent a
    on a.agent_id = w.agent_id
cross join period p
where (p.since_us is null or w.started_us >= p.since_us)
    and (p.until_us is null or w.started_us < p.until_us)
group by w.dataset_id, c.client_ip, a.user_agent, a.automated
order by w.dataset_id, c.client_ip, downloads desc, a.user_agent
