-- one row per request that shows its object open, closed or unavailable
--
-- rule observation
-- Each event that is no duplicate and not internal observes its object: open (2xx with or without content, 304), closed
-- (401, 403, 404, 410, 451), unavailable (5xx, 408, 429), or nothing.
select
    r.request_no,
    r.dataset_id,
    r.object_id,
    r.started_us,
    r.ended_us,
    case
        when r.status between 200 and 299 or r.status = 304 then 'open'
        when r.status in (401, 403, 404, 410, 451) then 'closed'
        else 'unavailable'
    end as seen
from request r
join bucket b
    on b.request_no = r.request_no
where b.bucket not in ('duplicate', 'internal')
    and not r.internal
    and (
        r.status between 200 and 299
        or r.status in (304, 401, 403, 404, 410, 451, 408, 429)
        or r.status between 500 and 599
    )
