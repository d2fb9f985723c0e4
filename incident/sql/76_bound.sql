-- one row per (data set, vantage, observation on which a bound of one of its windows rests)
with edge_of_window as (
    select dataset_id, window_no, 'opened_after' as bound, opened_after_us as bound_us from exposure_window
    union all
    select dataset_id, window_no, 'first_seen' as bound, first_seen_us as bound_us from exposure_window
    union all
    select dataset_id, window_no, 'last_seen' as bound, last_seen_us as bound_us from exposure_window
    union all
    select dataset_id, window_no, 'closed_by' as bound, closed_by_us as bound_us from exposure_window
)
select distinct
    w.dataset_id,
    w.window_no,
    w.bound,
    w.bound_us,
    r.vantage
from edge_of_window w
join observation o
    on o.dataset_id = w.dataset_id
    and case when w.bound in ('last_seen', 'closed_by') then o.ended_us else o.started_us end = w.bound_us
    and case when w.bound in ('first_seen', 'last_seen') then 'open' else 'closed' end = o.seen
join request r
    on r.request_no = o.request_no
where w.bound_us is not null
order by w.dataset_id, w.window_no, w.bound, r.vantage
