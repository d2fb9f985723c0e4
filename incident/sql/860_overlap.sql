-- one row per pair of data sets: the addresses that downloaded both, within the period
with taken as (
    select distinct w.dataset_id, c.client_ip
    from download w
    join client c
        on c.client_id = w.client_id
    cross join period p
    where c.client_ip <> ''
        and (p.since_us is null or w.started_us >= p.since_us)
        and (p.until_us is null or w.started_us < p.until_us)
),
both_taken as (
    select a.dataset_id as first_id, b.dataset_id as second_id, count(*) as addresses
    from taken a
    join taken b
        on b.client_ip = a.client_ip
    group by a.dataset_id, b.dataset_id
)
select
    x.name as first_name,
    y.name as second_name,
    coalesce(t.addresses, 0) as addresses
from dataset x
cross join dataset y
left join both_taken t
    on t.first_id = x.dataset_id
    and t.second_id = y.dataset_id
order by x.dataset_id, y.dataset_id
