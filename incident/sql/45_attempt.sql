-- one row per acquisition attempt of one object by one client, in full or in part
with placed as (
    select
        m.download_no,
        t.*,
        -- Where its bytes end in the object; what lies beyond the object's size adds nothing.
        case
            when t.first_byte + t.delivered_bytes > t.size then t.size
            else t.first_byte + t.delivered_bytes
        end as end_byte
    from member m
    join transfer t
        on t.request_no = m.request_no
),
laid as (
    select
        placed.*,
        -- The furthest byte held before this transfer, for the union of what was delivered.
        max(end_byte) over (
            partition by download_no
            order by first_byte, end_byte, request_no
            rows between unbounded preceding and 1 preceding
        ) as held_to
    from placed
),
added as (
    select
        laid.*,
        case
            when first_byte is null or end_byte is null or end_byte <= first_byte or end_byte <= held_to then 0
            when held_to > first_byte then end_byte - held_to
            else end_byte - first_byte
        end as new_bytes
    from laid
),
summed as (
    select
        download_no,
        min(dataset_id) as dataset_id,
        min(object_id) as object_id,
        min(client_id) as client_id,
        min(agent_id) as agent_id,
        count(*) as transfers,
        -- A download lasts from the start of its first transfer to the end of its last.
        min(started_us) as started_us,
        max(ended_us) as ended_us,
        cast(coalesce(sum(bytes_sent), 0) as bigint) as bytes_sent,
        max(size) as size,
        cast(sum(new_bytes) as bigint) as union_bytes,
        cast(sum(case when first_byte is null then coalesce(delivered_bytes, 0) else 0 end) as bigint) as unplaced_bytes,
        max(case when first_byte is null then 1 else 0 end) as without_ranges,
        min(proven) as proven,
        max(case when delivered_bytes is null then 1 else 0 end) as unknown_length,
        max(size_only) as size_only,
        max(with_headers) as with_headers
    from added
    group by download_no
),
measured as (
    select
        summed.*,
        -- rule delivered-in-all
        -- What a download delivered is the union of its ranges where the log has them, else the sum of its bytes, which is
        -- only an upper limit.
        union_bytes + unplaced_bytes as held_bytes
    from summed
)
select
    measured.*,
    case
        -- rule undetermined
        -- Undetermined: the size is unknown, or the log records the size meant to be sent, which hides a broken transfer, or
        -- no length at all.
        when size is null or size_only = 1 or unknown_length = 1 then 'undetermined'
        -- rule partial
        -- Partial: the bytes delivered do not cover the object's size.
        when held_bytes < size then 'partial'
        -- Bytes of an unnamed server reach the size but may be the size meant: that proves nothing.
        when proven = 0 then 'undetermined'
        -- rule full
        -- Full: the bytes delivered cover the object's size.
        else 'full'
    end as completeness
from measured
