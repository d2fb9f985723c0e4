-- one row per (data set, "peak-rate" or "steepest-rise"): the bin of time that shows it
--
-- rule steepest-rise
-- The steepest rise is the largest increase of downloads from one bin of time to the next; the peak is the bin with the
-- most. Of equals the first stands. The width of a bin is stated.
with placed as (
    select
        w.dataset_id,
        w.download_no,
        w.started_us - mod(w.started_us, b.width_us) as bin_us,
        b.width_us,
        row_number() over (
            partition by w.dataset_id, w.started_us - mod(w.started_us, b.width_us)
            order by w.started_us, w.download_no
        ) as nth
    from download w
    join bin_width b
        on b.dataset_id = w.dataset_id
    join client c
        on c.client_id = w.client_id
    where not c.internal
),
counted as (
    select
        dataset_id,
        bin_us,
        max(width_us) as width_us,
        count(*) as downloads,
        max(case when nth = 1 then download_no end) as first_no
    from placed
    group by dataset_id, bin_us
),
beside as (
    select
        counted.*,
        lag(bin_us) over (partition by dataset_id order by bin_us) as bin_before_us,
        lag(downloads) over (partition by dataset_id order by bin_us) as downloads_before
    from counted
),
risen as (
    select
        beside.*,
        case when bin_us - bin_before_us = width_us then downloads_before else 0 end as just_before
    from beside
),
ranked as (
    select
        risen.*,
        row_number() over (partition by dataset_id order by downloads - just_before desc, bin_us) as rise_place,
        row_number() over (partition by dataset_id order by downloads desc, bin_us) as peak_place
    from risen
)
select
    k.dataset_id,
    n.kind,
    k.bin_us,
    k.width_us,
    k.just_before,
    k.downloads,
    r.evidence_id,
    r.line_no
from ranked k
join (select 'peak-rate' as kind union all select 'steepest-rise' as kind) n
    on (n.kind = 'peak-rate' and k.peak_place = 1)
    or (n.kind = 'steepest-rise' and k.rise_place = 1)
join request r
    on r.request_no = k.first_no
order by k.bin_us, k.dataset_id, n.kind
