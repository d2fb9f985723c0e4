-- one row per exposure window of a data set: the union over its objects
--
-- rule data-set-window
-- A data set's windows are the union over its objects.
with ordered as (
    select
        object_window.*,
        max(last_seen_us) over (
            partition by dataset_id
            order by first_seen_us, last_seen_us, object_id
            rows between unbounded preceding and 1 preceding
        ) as reached_us
    from object_window
),
grouped as (
    select
        ordered.*,
        cast(sum(case when reached_us is null or first_seen_us > reached_us then 1 else 0 end) over (
            partition by dataset_id
            order by first_seen_us, last_seen_us, object_id
            rows between unbounded preceding and current row
        ) as bigint) as union_no
    from ordered
)
select
    dataset_id,
    union_no as window_no,
    -- A bound that the log does not give for one object is not given for the union.
    case when count(opened_after_us) = count(*) then min(opened_after_us) end as opened_after_us,
    min(first_seen_us) as first_seen_us,
    max(last_seen_us) as last_seen_us,
    case when count(closed_by_us) = count(*) then max(closed_by_us) end as closed_by_us,
    cast(sum(interruptions) as bigint) as interruptions
from grouped
group by dataset_id, union_no
