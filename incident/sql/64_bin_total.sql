-- one row per (data set, bin of the timeline): the downloads that began in it, and the addresses seen first in it
with first_arrival as (
    select dataset_id, client_id, min(started_us) as first_us
    from download
    group by dataset_id, client_id
),
taken as (
    select
        b.dataset_id,
        b.bin_no,
        count(case when w.completeness = 'full' then 1 end) as downloads_full,
        count(case when w.completeness = 'partial' then 1 end) as downloads_partial,
        count(case when w.completeness = 'undetermined' then 1 end) as downloads_undetermined
    from bin b
    join download w
        on w.dataset_id = b.dataset_id
        and w.started_us >= b.start_us
        and w.started_us < b.end_us
    group by b.dataset_id, b.bin_no
),
arrived as (
    select b.dataset_id, b.bin_no, count(*) as new_ips
    from bin b
    join first_arrival f
        on f.dataset_id = b.dataset_id
        and f.first_us >= b.start_us
        and f.first_us < b.end_us
    join client c
        on c.client_id = f.client_id
    where c.client_ip <> ''
    group by b.dataset_id, b.bin_no
)
select
    b.dataset_id,
    b.bin_no,
    b.start_us,
    b.end_us,
    coalesce(t.downloads_full, 0) as downloads_full,
    coalesce(t.downloads_partial, 0) as downloads_partial,
    coalesce(t.downloads_undetermined, 0) as downloads_undetermined,
    cast(sum(coalesce(t.downloads_full + t.downloads_partial + t.downloads_undetermined, 0)) over (
        partition by b.dataset_id
        order by b.bin_no
        rows between unbounded preceding and current row
    ) as bigint) as cumulative_downloads,
    cast(sum(coalesce(a.new_ips, 0)) over (
        partition by b.dataset_id
        order by b.bin_no
        rows between unbounded preceding and current row
    ) as bigint) as cumulative_ips
from bin b
left join taken t
    on t.dataset_id = b.dataset_id
    and t.bin_no = b.bin_no
left join arrived a
    on a.dataset_id = b.dataset_id
    and a.bin_no = b.bin_no
order by b.dataset_id, b.bin_no
