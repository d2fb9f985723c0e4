-- one row per interruption of an object's window: from its first closed observation to the next open one
select
    s.dataset_id,
    s.object_id,
    s.closings as window_no,
    min(s.started_us) as start_us,
    s.open_after_us as end_us,
    count(*) as observations
from stretch s
where s.interrupts = 1
group by s.dataset_id, s.object_id, s.closings, s.open_after_us
