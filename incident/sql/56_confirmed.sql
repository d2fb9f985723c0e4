-- one row per span in which a data set was confirmed reachable: the union of its objects' spans
with ordered as (
    select
        dataset_id, object_id, start_us, end_us,
        max(end_us) over (
            partition by dataset_id
            order by start_us, end_us, object_id
            rows between unbounded preceding and 1 preceding
        ) as reached_us
    from reachable
),
grouped as (
    select
        ordered.*,
        cast(sum(case when reached_us is null or start_us > reached_us then 1 else 0 end) over (
            partition by dataset_id
            order by start_us, end_us, object_id
            rows between unbounded preceding and current row
        ) as bigint) as span_no
    from ordered
)
select
    dataset_id,
    span_no,
    min(start_us) as start_us,
    max(end_us) as end_us
from grouped
group by dataset_id, span_no
