-- one row per request: exactly one bucket, the first that applies
select
    r.request_no,
    case
        -- rule duplicate
        -- A copy of a line that is counted already.
        when d.request_no is not null then 'duplicate'
        -- rule one-request-once
        -- A request that another event already stands for: logged at another vantage, or by an inner hop of the same one.
        when p.origin_no is not null or r.inner_hop then 'other_vantage'
        -- rule internal
        -- The client is one of the organisation's own addresses.
        when r.internal and not k.count_internal then 'internal'
        -- rule method
        -- The method is not one that fetches the data set.
        when r.method is not null and m.method is null then 'method'
        -- rule not-modified
        -- 304: the client already held a copy; nothing was sent.
        when r.status = 304 then 'not_modified'
        -- rule redirect
        -- The client was sent elsewhere (3xx but 304).
        when r.status between 300 and 399 then 'redirect'
        -- rule throttled
        -- The server put the client off (408, 429).
        when r.status in (408, 429) then 'throttled'
        -- rule aborted
        -- No final answer was logged: the client left (499), or there is no status.
        when r.status is null or r.status = 499 or r.status < 200 then 'aborted'
        -- rule denied
        -- The server refused or did not have it (4xx but 408, 429, 499).
        when r.status between 400 and 499 then 'denied'
        -- rule error
        -- The server failed (5xx).
        when r.status >= 500 then 'error'
        -- rule probe
        -- A range response with fewer than min_bytes bytes of content, as players and previewers ask for to sniff.
        when r.status = 206 and r.content_bytes < k.min_bytes then 'probe'
        -- rule empty
        -- A success without content.
        when r.status in (204, 205) or r.content_bytes = 0 then 'empty'
        -- rule counted
        -- A transfer: a 2xx response that carried content.
        else 'counted'
    end as bucket
from request r
cross join policy k
left join duplicate d
    on d.request_no = r.request_no
left join pairing p
    on p.origin_no = r.request_no
left join dataset_method m
    on m.dataset_id = r.dataset_id
    and m.method = r.method
