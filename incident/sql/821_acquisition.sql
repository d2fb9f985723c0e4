-- one row per (data set, milestone of its downloads): the request that shows it
--
-- rule external-download
-- First and last downloads are those of outsiders, also where a policy counts the organisation's own.
with outside as (
    select w.*, c.client_ip, g.automated
    from download w
    join client c
        on c.client_id = w.client_id
    join agent g
        on g.agent_id = w.agent_id
    where not c.internal
),
first_by_address as (
    select
        outside.*,
        row_number() over (
            partition by dataset_id, client_ip
            order by started_us, download_no
        ) as nth
    from outside
    where client_ip <> ''
),
arrived as (
    select
        first_by_address.*,
        -- rule nth-client
        -- Addresses are numbered by the start of their first download.
        row_number() over (
            partition by dataset_id
            order by started_us, download_no
        ) as place
    from first_by_address
    where nth = 1
),
last_transfer as (
    select
        m.download_no,
        m.request_no,
        row_number() over (
            partition by m.download_no
            order by t.ended_us desc, m.request_no desc
        ) as nth
    from member m
    join transfer t
        on t.request_no = m.request_no
),
assembled as (
    -- A copy put together from several downloads was complete at the latest when the last of its parts ended.
    select h.dataset_id, t.request_no, t.ended_us, t.client_id, t.object_id,
        row_number() over (
            partition by h.dataset_id, h.object_id, h.client_id, h.agent_id
            order by t.ended_us desc, t.request_no desc
        ) as nth
    from holding h
    join client c
        on c.client_id = h.client_id
        and not c.internal
    join transfer t
        on t.object_id = h.object_id
        and t.client_id = h.client_id
        and t.agent_id = h.agent_id
    left join (
        select distinct object_id, client_id, agent_id
        from attempt
        where completeness = 'full'
    ) f
        on f.object_id = h.object_id
        and f.client_id = h.client_id
        and f.agent_id = h.agent_id
    where f.object_id is null
),
found as (
    select dataset_id, 'first-download' as kind, cast(0 as bigint) as value, started_us as at_us, download_no as request_no
    from outside
    union all
    select dataset_id, 'first-automated' as kind, cast(0 as bigint) as value, started_us as at_us, download_no as request_no
    from outside
    where automated
    union all
    -- rule first-full-copy
    -- A copy is complete when the last of its bytes was sent.
    select w.dataset_id, 'first-full-copy' as kind, cast(0 as bigint) as value, w.ended_us as at_us, l.request_no
    from outside w
    join last_transfer l
        on l.download_no = w.download_no
        and l.nth = 1
    where w.completeness = 'full'
    union all
    select dataset_id, 'first-assembled-copy' as kind, cast(0 as bigint) as value, ended_us as at_us, request_no
    from assembled
    where nth = 1
    union all
    select a.dataset_id, 'nth-client' as kind, n.place as value, a.started_us as at_us, a.download_no as request_no
    from arrived a
    join milestone_place n
        on n.place = a.place
    union all
    -- the last download is the one that ends last: its time is turned round, so that the first is taken of all kinds
    select w.dataset_id, 'last-download' as kind, cast(0 as bigint) as value, -w.ended_us as at_us, l.request_no
    from outside w
    join last_transfer l
        on l.download_no = w.download_no
        and l.nth = 1
),
ranked as (
    select
        found.*,
        row_number() over (
            partition by dataset_id, kind, value
            order by at_us, request_no
        ) as nth
    from found
)
select
    k.dataset_id,
    k.kind,
    k.value,
    case when k.kind = 'last-download' then -k.at_us else k.at_us end as at_us,
    r.evidence_id,
    r.line_no,
    c.client_ip,
    j.path as object,
    g.user_agent
from ranked k
join request r
    on r.request_no = k.request_no
join client c
    on c.client_id = r.client_id
join object j
    on j.object_id = r.object_id
join agent g
    on g.agent_id = r.agent_id
where k.nth = 1
order by at_us, k.dataset_id, k.kind, k.value
