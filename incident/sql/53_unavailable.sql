-- one row per unavailable span within an object's window
--
-- rule unavailable
-- An object is unavailable from a first unavailable observation to the next open one.
with next_open as (
    select
        o.*,
        min(case when seen = 'open' then started_us end) over (
            partition by dataset_id, object_id
            order by started_us, ended_us, request_no
            rows between 1 following and unbounded following
        ) as open_again_us
    from observation o
)
select
    w.dataset_id,
    w.object_id,
    w.window_no,
    min(n.started_us) as start_us,
    n.open_again_us as end_us
from next_open n
join object_window w
    on w.dataset_id = n.dataset_id
    and w.object_id = n.object_id
    and n.started_us >= w.first_seen_us
    and n.open_again_us <= w.last_open_us
where n.seen = 'unavailable'
    and n.open_again_us > n.started_us
group by w.dataset_id, w.object_id, w.window_no, n.open_again_us
