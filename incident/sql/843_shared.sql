-- one row per client address with downloads by several user agents: in all, and the most within one session_gap
--
-- rule agents-at-once
-- Agents are at once behind an address where downloads of theirs begin within session_gap of each other. Of agents beyond the
-- fifth it need not be known: five in all are enough.
with taken as (
    select distinct c.client_ip, w.agent_id, w.started_us
    from download w
    join client c
        on c.client_id = w.client_id
    cross join period p
    where c.client_ip <> ''
        and (p.since_us is null or w.started_us >= p.since_us)
        and (p.until_us is null or w.started_us < p.until_us)
),
numbered as (
    select
        taken.*,
        dense_rank() over (partition by client_ip order by agent_id) as agent_no
    from taken
),
latest as (
    select
        numbered.*,
        max(case when agent_no = 1 then started_us end) over (
            partition by client_ip order by started_us, agent_no rows between unbounded preceding and current row
        ) as first_us,
        max(case when agent_no = 2 then started_us end) over (
            partition by client_ip order by started_us, agent_no rows between unbounded preceding and current row
        ) as second_us,
        max(case when agent_no = 3 then started_us end) over (
            partition by client_ip order by started_us, agent_no rows between unbounded preceding and current row
        ) as third_us,
        max(case when agent_no = 4 then started_us end) over (
            partition by client_ip order by started_us, agent_no rows between unbounded preceding and current row
        ) as fourth_us
    from numbered
)
select
    l.client_ip,
    max(l.agent_no) as agents,
    max(
        case when l.started_us - l.first_us < k.session_gap_us then 1 else 0 end
        + case when l.started_us - l.second_us < k.session_gap_us then 1 else 0 end
        + case when l.started_us - l.third_us < k.session_gap_us then 1 else 0 end
        + case when l.started_us - l.fourth_us < k.session_gap_us then 1 else 0 end
    ) as agents_at_once
from latest l
cross join policy k
group by l.client_ip
having max(l.agent_no) >= 2
order by l.client_ip
