-- one row per open or closed observation: the window it stands in
with around as (
    select
        o.*,
        max(case when seen = 'open' then started_us end) over (
            partition by dataset_id, object_id
            order by started_us, ended_us, request_no
            rows between unbounded preceding and 1 preceding
        ) as open_before_us,
        min(case when seen = 'open' then started_us end) over (
            partition by dataset_id, object_id
            order by started_us, ended_us, request_no
            rows between 1 following and unbounded following
        ) as open_after_us,
        lag(seen) over (
            partition by dataset_id, object_id
            order by started_us, ended_us, request_no
        ) as seen_before
    from observation o
    where seen <> 'unavailable'
),
judged as (
    select
        around.*,
        -- rule interruption
        -- Closed observations that opens surround within max_interruption interrupt a window; they do not end it. Those with
        -- no open between them are one interruption.
        case
            when seen = 'closed' and open_after_us - open_before_us <= k.max_interruption_us then 1
            else 0
        end as interrupts,
        case
            when
                seen = 'closed' and seen_before = 'open' and open_after_us - open_before_us <= k.max_interruption_us
                then 1
            else 0
        end as begins_interruption
    from around
    cross join policy k
)
select
    judged.*,
    -- rule window
    -- A window is a maximal run from an open to the last open observation with no closed observation between.
    cast(sum(case when seen = 'closed' and interrupts = 0 then 1 else 0 end) over (
        partition by dataset_id, object_id
        order by started_us, ended_us, request_no
        rows between unbounded preceding and current row
    ) as bigint) as closings
from judged
