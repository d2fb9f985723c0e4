-- one row per span in which an object was confirmed reachable: a window less its unavailable spans
with cut as (
    select
        w.dataset_id, w.object_id, w.window_no, w.first_seen_us, w.last_seen_us, u.start_us, u.end_us,
        lag(u.end_us) over (
            partition by w.dataset_id, w.object_id, w.window_no
            order by u.start_us
        ) as last_end_us,
        row_number() over (
            partition by w.dataset_id, w.object_id, w.window_no
            order by u.start_us desc
        ) as from_last
    from object_window w
    left join unavailable u
        on u.dataset_id = w.dataset_id
        and u.object_id = w.object_id
        and u.window_no = w.window_no
)
select
    dataset_id, object_id, window_no,
    coalesce(last_end_us, first_seen_us) as start_us,
    coalesce(start_us, last_seen_us) as end_us
from cut
union all
-- what follows the last unavailable span
select dataset_id, object_id, window_no, end_us as start_us, last_seen_us as end_us
from cut
where from_last = 1 and end_us is not null
