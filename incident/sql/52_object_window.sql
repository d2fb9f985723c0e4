-- one row per (object, exposure window), bounded from both sides
with run as (
    select
        dataset_id,
        object_id,
        closings,
        min(case when seen = 'open' then started_us end) as first_seen_us,
        -- rule last-seen
        -- A window is last seen open at the end of the last request that found it open.
        max(case when seen = 'open' then ended_us end) as last_seen_us,
        max(case when seen = 'open' then started_us end) as last_open_us,
        -- rule opened-after
        -- It opened after the last closed observation before it, if the log has one.
        max(case when seen = 'closed' and interrupts = 0 then started_us end) as opened_after_us,
        min(case when seen = 'closed' and interrupts = 0 then ended_us end) as closed_us,
        cast(sum(begins_interruption) as bigint) as interruptions
    from stretch
    group by dataset_id, object_id, closings
),
bounded as (
    select
        run.*,
        -- rule closed-by
        -- It was closed by the first closed observation after it, if the log has one.
        lead(closed_us) over (partition by dataset_id, object_id order by closings) as next_closed_us,
        lead(opened_after_us) over (partition by dataset_id, object_id order by closings) as next_closing_us,
        min(first_seen_us) over (
            partition by dataset_id, object_id
            order by closings
            rows between 1 following and unbounded following
        ) as next_first_seen_us
    from run
),
ended as (
    select
        bounded.*,
        -- rule long-transfer
        -- A transfer that runs on past a closing into the next window ends its own window at that closing: it was let in
        -- before, and shows nothing of what was let in later.
        case when next_first_seen_us <= last_seen_us then next_closing_us else last_seen_us end as seen_until_us
    from bounded
)
select
    dataset_id,
    object_id,
    closings as window_no,
    opened_after_us,
    first_seen_us,
    last_open_us,
    seen_until_us as last_seen_us,
    case when next_closed_us < seen_until_us then seen_until_us else next_closed_us end as closed_by_us,
    interruptions
from ended
where first_seen_us is not null
