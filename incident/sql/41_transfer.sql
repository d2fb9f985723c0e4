-- one row per transfer: a counted request, with the size of what it is a copy of and the bytes it delivered
with counted as (
    select r.*
    from request r
    join bucket b
        on b.request_no = r.request_no
    cross join policy k
    where b.bucket = 'counted'
        and (not k.only_200 or r.status = 200)
),
candidate as (
    -- The sizes that an object had, the one in force at the time of the transfer first; of several in force, the largest.
    select
        c.request_no,
        s.size,
        s.basis,
        row_number() over (
            partition by c.request_no
            order by
                -- rule size-of-a-variant
                -- A 200 response whose exact body size is one of the object's sizes is a copy of that variant.
                case when c.status <> 206 and c.size_kind = 'body_sent' and s.size = c.bytes_sent then 0 else 1 end,
                -- rule size-that-fits
                -- A response cannot be a copy of less than it carried.
                case
                    when c.status <> 206 and c.size_kind = 'body_sent' and s.size < c.bytes_sent then 1
                    when c.status = 206 and s.size <= c.range_end then 1
                    else 0
                end,
                -- rule size-of-a-version
                -- Where an object had several sizes, the one seen at that time applies, or the nearest in time.
                case
                    when s.first_us is null then 0
                    when c.started_us < s.first_us then s.first_us - c.started_us
                    when c.started_us > s.last_us then c.started_us - s.last_us
                    else 0
                end,
                s.size desc
        ) as choice
    from counted c
    join size s
        on s.object_id = c.object_id
),
sized as (
    select
        c.*,
        -- rule size-of-a-response
        -- Where no size is declared, what the response itself says comes first: the total of its Content-Range, or the
        -- content length of a whole response.
        case
            when z.basis = 'declared' then z.size
            when c.status = 206 then coalesce(c.range_total, z.size)
            else coalesce(c.content_length, c.range_total, z.size)
        end as size,
        -- rule version
        -- The version a response belongs to is told by the complete size it names; one that names none belongs to the size
        -- it is measured by.
        coalesce(
            case when c.status = 206 then c.range_total else coalesce(c.content_length, c.range_total) end,
            z.size
        ) as version
    from counted c
    left join candidate z
        on z.request_no = c.request_no
        and z.choice = 1
),
placed as (
    select
        sized.*,
        -- Where the delivered bytes lie in the object; a whole response begins at 0.
        case when status = 206 then range_start else 0 end as first_byte,
        -- How long the response was meant to be, as far as the log tells.
        case
            when status <> 206 then size
            when range_start is not null and range_end is not null then range_end - range_start + 1
            else content_length
        end as meant_bytes
    from sized
)
select
    request_no, dataset_id, object_id, client_id, agent_id, status, started_us, ended_us, bytes_sent, size_kind, aborted,
    size,
    version,
    first_byte,
    -- rule delivered
    -- A response delivered the bytes that the log counts, at most what it was meant to hold; one whose client left early
    -- lacks at least its last byte.
    case
        when meant_bytes is null then bytes_sent
        when aborted and (bytes_sent is null or bytes_sent >= meant_bytes) then meant_bytes - 1
        when bytes_sent is null or bytes_sent > meant_bytes then meant_bytes
        else bytes_sent
    end as delivered_bytes,
    -- rule proven
    -- Delivery is proven only by a log that counts what was sent, not by the size that the server meant to send.
    case when size_kind in ('body_sent', 'total_sent') and bytes_sent is not null then 1 else 0 end as proven,
    case when size_kind = 'response_size' then 1 else 0 end as size_only,
    case when size_kind = 'total_sent' then 1 else 0 end as with_headers
from placed
