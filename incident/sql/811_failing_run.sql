-- one row per run of failing minutes of a vantage
--
-- rule crash-run
-- Failing minutes are one run unless minutes in which the vantage was well lie between them and they are more than
-- max_interruption apart.
-- why: a cache answers a page now and then while the site behind it is down.
with judged as (
    select
        site_minute.*,
        case when 2 * errors >= answers then 1 else 0 end as failing
    from site_minute
),
around as (
    select
        judged.*,
        max(case when failing = 1 then minute_us end) over (
            partition by vantage
            order by minute_us
            rows between unbounded preceding and 1 preceding
        ) as failed_before_us,
        max(case when failing = 0 then minute_us end) over (
            partition by vantage
            order by minute_us
            rows between unbounded preceding and 1 preceding
        ) as well_before_us,
        min(case when failing = 0 then minute_us end) over (
            partition by vantage
            order by minute_us
            rows between 1 following and unbounded following
        ) as well_after_us
    from judged
),
marked as (
    select
        around.*,
        case
            when failed_before_us is null then 1
            when well_before_us > failed_before_us and minute_us - failed_before_us > k.max_interruption_us then 1
            else 0
        end as begins
    from around
    cross join policy k
    where failing = 1
),
numbered as (
    select
        marked.*,
        cast(sum(begins) over (
            partition by vantage
            order by minute_us
            rows between unbounded preceding and current row
        ) as bigint) as run_no
    from marked
)
select
    vantage,
    run_no,
    min(minute_us) as first_minute_us,
    max(minute_us) as last_minute_us,
    max(well_after_us) as well_minute_us,
    cast(sum(errors) as bigint) as errors
from numbered
group by vantage, run_no
