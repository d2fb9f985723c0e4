-- one row per transfer: the download it belongs to, named by its first transfer
with numbered as (
    select
        s.request_no, s.dataset_id, s.client_id, s.agent_id, s.object_id, s.version, s.session_no, s.started_us, s.ended_us,
        cast(sum(case when o.request_no is null then 0 else 1 end) over (
            partition by s.dataset_id, s.client_id, s.agent_id, s.object_id, s.version, s.session_no
            order by s.started_us, s.ended_us, s.request_no
            rows between unbounded preceding and current row
        ) as bigint) as overs
    from session s
    left join start_over o
        on o.request_no = s.request_no
),
own as (
    select
        request_no,
        first_value(request_no) over (
            partition by dataset_id, client_id, agent_id, object_id, version, session_no, overs
            order by started_us, ended_us, request_no
            rows between unbounded preceding and current row
        ) as download_no
    from numbered
    union all
    -- Each 200 that was not cut short is a download of its own.
    select t.request_no, t.request_no as download_no
    from transfer t
    left join session s
        on s.request_no = t.request_no
    where s.request_no is null
),
head as (
    select t.request_no as download_no, t.dataset_id, t.client_id, t.agent_id, t.object_id, t.started_us, t.ended_us
    from transfer t
    join own w
        on w.request_no = t.request_no
        and w.download_no = t.request_no
),
marked as (
    select
        head.*,
        -- rule repeat-within
        -- A download that starts within repeat_within of the one before it by the same client and object repeats it.
        -- rule one-a-day
        -- Where a policy counts one download a day, a further one of the same client, object and UTC day repeats the first.
        case
            when k.per_day and started_us - mod(started_us, 86400000000) = lag(started_us - mod(started_us, 86400000000)) over (
                partition by dataset_id, client_id, agent_id, object_id
                order by started_us, ended_us, download_no
            ) then 0
            when k.repeat_within_us > 0 and started_us - lag(started_us) over (
                partition by dataset_id, client_id, agent_id, object_id
                order by started_us, ended_us, download_no
            ) <= k.repeat_within_us then 0
            else 1
        end as begins
    from head
    cross join policy k
),
folded as (
    select
        marked.*,
        cast(sum(begins) over (
            partition by dataset_id, client_id, agent_id, object_id
            order by started_us, ended_us, download_no
            rows between unbounded preceding and current row
        ) as bigint) as fold
    from marked
),
named as (
    select
        download_no,
        first_value(download_no) over (
            partition by dataset_id, client_id, agent_id, object_id, fold
            order by started_us, ended_us, download_no
            rows between unbounded preceding and current row
        ) as first_no
    from folded
)
select w.request_no, n.first_no as download_no
from own w
join named n
    on n.download_no = w.download_no
