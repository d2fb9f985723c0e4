-- one row per (data set, event): the request in numbers, with what its log means by them
with settled as (
    select
        g.*,
        i.item_order,
        i.vantage,
        i.tier,
        -- rule ipv6-network
        -- Where a policy folds IPv6, a client is its /64 network.
        -- why: one host may hold any number of addresses of its /64 (RFC 8981).
        case when k.fold_ipv6 then c.folded_id else n.client_id end as client_id,
        n.proxied,
        c.internal,
        a.agent_id,
        g.ts_us + i.clock_offset_us as at_us,
        -- rule time-stamped
        -- A logged time stamps the start or the end of a request as its format says; where only the server decides,
        -- Apache stamps the start, nginx the end.
        -- why: mod_log_config (%t is the time the request was received); ngx_http_log_module (written at the end).
        case
            when r.ts_kind <> 'unknown' then r.ts_kind
            when i.server = 'apache' then 'start'
            when i.server = 'nginx' then 'end'
            else 'unknown'
        end as time_kind,
        -- rule bytes-meant
        -- Logged bytes are body bytes sent, total bytes sent with headers, or the size the server meant to send, as the
        -- format says; where only the server decides, Apache's %b is the size meant, nginx's is body bytes sent.
        case
            when r.bytes_kind <> 'unknown' then r.bytes_kind
            when i.server = 'apache' then 'response_size'
            when i.server = 'nginx' then 'body_sent'
            else 'unknown'
        end as size_kind,
        r.range_kind
    from gathered g
    join item i
        on i.evidence_id = g.evidence_id
    join reading r
        on r.evidence_id = g.evidence_id
        and r.reading = g.reading
    join identity n
        on n.peer_ip = coalesce(g.peer_ip, '')
        and n.forwarded_for = coalesce(g.forwarded_for, '')
    join client c
        on c.client_id = n.client_id
    join agent a
        on a.user_agent = coalesce(g.user_agent, '')
    cross join policy k
    where k.only_tier is null or i.tier = k.only_tier
)
select
    row_number() over (order by dataset_id, item_order, evidence_id, line_no) as request_no,
    dataset_id,
    object_id,
    evidence_id,
    reading,
    line_no,
    ts_us,
    item_order,
    vantage,
    tier,
    client_id,
    agent_id,
    proxied,
    internal,
    method,
    status,
    -- rule started-at
    -- A request starts at its logged time, or its duration earlier where the log stamps the end.
    case when time_kind = 'end' then at_us - coalesce(duration_us, 0) else at_us end as started_us,
    -- rule ended-at
    -- A request ends at its logged time, or its duration later where the log stamps the start.
    case when time_kind = 'start' then at_us + coalesce(duration_us, 0) else at_us end as ended_us,
    bytes_sent,
    size_kind,
    -- rule content
    -- Where the log counts headers into bytes, the content length decides if present, then the length of the response's
    -- range; otherwise the bytes are taken as they are.
    -- The answer to a HEAD request carries none.
    case
        when method = 'HEAD' then 0
        when size_kind = 'total_sent' then coalesce(
            content_length,
            case when range_kind = 'response' then range_end - range_start + 1 end,
            bytes_sent
        )
        else coalesce(bytes_sent, content_length)
    end as content_bytes,
    content_length,
    range_start,
    range_end,
    range_total,
    request_id,
    coalesce(aborted, false) as aborted,
    coalesce(inner_hop, false) as inner_hop
from settled
