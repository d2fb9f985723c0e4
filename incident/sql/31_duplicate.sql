-- one row per request that is a copy of another: its request_no
--
-- rule duplicate-line
-- Within a vantage, a line's true multiplicity is its largest multiplicity in any one file; events beyond it are
-- duplicates.
-- why: copies taken in mid-rotation and re-deliveries repeat lines across files, but two equal requests within one second
-- of one file are two requests.
--
-- rule duplicate-id
-- Where the format has a request id, equal ids of one client and object are duplicates, across files and within one.
with suspect as (
    -- Only what stands in more than one file can be a copy: cheap columns first.
    select dataset_id, vantage, client_id, object_id, ts_us
    from request
    group by dataset_id, vantage, client_id, object_id, ts_us
    having min(evidence_id) <> max(evidence_id)
),
line as (
    select
        r.request_no,
        r.dataset_id,
        r.vantage,
        r.item_order,
        r.line_no,
        g.ts_us, g.duration_us, g.peer_ip, g.peer_port, g.forwarded_for, g.user_name, g.method, g.host, g.path, g.query,
        g.protocol, g.status, g.bytes_sent, g.content_length, g.range_start, g.range_end, g.range_total, g.content_type,
        g.referer, g.user_agent, g.cache_status, g.request_id, g.aborted, g.inner_hop, g.rest_hash
    from request r
    join suspect s
        on s.dataset_id = r.dataset_id
        and s.vantage = r.vantage
        and s.client_id = r.client_id
        and s.object_id = r.object_id
        and s.ts_us = r.ts_us
    join gathered g
        on g.dataset_id = r.dataset_id
        and g.evidence_id = r.evidence_id
        and g.line_no = r.line_no
),
nth as (
    select
        line.*,
        row_number() over (
            partition by
                dataset_id, vantage, ts_us, duration_us, peer_ip, peer_port, forwarded_for, user_name, method, host, path,
                query, protocol, status, bytes_sent, content_length, range_start, range_end, range_total, content_type,
                referer, user_agent, cache_status, request_id, aborted, inner_hop, rest_hash, item_order
            order by line_no
        ) as nth_in_file
    from line
),
copy as (
    select
        request_no,
        row_number() over (
            partition by
                dataset_id, vantage, ts_us, duration_us, peer_ip, peer_port, forwarded_for, user_name, method, host, path,
                query, protocol, status, bytes_sent, content_length, range_start, range_end, range_total, content_type,
                referer, user_agent, cache_status, request_id, aborted, inner_hop, rest_hash
            order by item_order, line_no
        ) as nth_copy,
        max(nth_in_file) over (
            partition by
                dataset_id, vantage, ts_us, duration_us, peer_ip, peer_port, forwarded_for, user_name, method, host, path,
                query, protocol, status, bytes_sent, content_length, range_start, range_end, range_total, content_type,
                referer, user_agent, cache_status, request_id, aborted, inner_hop, rest_hash
        ) as multiplicity
    from nth
),
same_id as (
    select
        request_no,
        row_number() over (
            partition by dataset_id, vantage, request_id, client_id, object_id, inner_hop
            order by item_order, line_no
        ) as nth_copy
    from request
    where request_id is not null
)
select request_no
from copy
where nth_copy > multiplicity
union
select request_no
from same_id
where nth_copy > 1
