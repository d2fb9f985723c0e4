-- one row per transfer of each session in which a range starts over: what the walk through them needs
--
-- rule start-over
-- Once a session holds every byte of the object, a range that starts over (at byte 0) begins the next download.
with again as (
    select dataset_id, client_id, agent_id, object_id, version, session_no
    from session
    where begins = 0 and first_byte = 0
    group by dataset_id, client_id, agent_id, object_id, version, session_no
)
select
    dense_rank() over (order by s.dataset_id, s.client_id, s.agent_id, s.object_id, s.version, s.session_no) as part_of,
    s.request_no,
    s.first_byte,
    s.first_byte + s.delivered_bytes - 1 as last_byte,
    s.size,
    row_number() over (order by s.started_us, s.ended_us, s.request_no) as position
from session s
join again a
    on a.dataset_id = s.dataset_id
    and a.client_id = s.client_id
    and a.agent_id = s.agent_id
    and a.object_id = s.object_id
    and coalesce(a.version, -1) = coalesce(s.version, -1)
    and a.session_no = s.session_no
order by part_of, position
