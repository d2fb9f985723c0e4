-- one row per transfer that can share a download with others (206, and 200 cut short): its session
--
-- rule range-session
-- 206 responses of one client and object, each less than session_gap idle after the last, are one download; a 206 that
-- continues a 200 cut short joins it.
-- why: clients fetch one file in many ranges, and resume a broken transfer with a range (RFC 9110, 14 and 15.3.7).
with part as (
    select
        t.*,
        -- rule cut-short
        -- A 200 is cut short where the log says that the client left early, or counts fewer bytes than the object has.
        case
            when t.status = 206 then 0
            when t.aborted then 1
            when t.size_only = 0 and t.delivered_bytes < t.size then 1
            else 0
        end as cut_short
    from transfer t
),
chain as (
    select
        part.*,
        max(ended_us) over (
            partition by dataset_id, client_id, agent_id, object_id
            order by started_us, ended_us, request_no
            rows between unbounded preceding and 1 preceding
        ) as last_end_us,
        lag(cut_short) over (
            partition by dataset_id, client_id, agent_id, object_id
            order by started_us, ended_us, request_no
        ) as after_cut_short,
        lag(size) over (
            partition by dataset_id, client_id, agent_id, object_id
            order by started_us, ended_us, request_no
        ) as last_size
    from part
    where status = 206 or cut_short = 1
),
marked as (
    select
        chain.*,
        case
            when last_end_us is null then 1
            when k.every_transfer then 1
            -- Each 200 is a download of its own.
            when cut_short = 1 then 1
            when started_us - last_end_us >= k.session_gap_us then 1
            -- A range that starts at byte 0 does not continue the 200 before it.
            when after_cut_short = 1 and first_byte = 0 then 1
            -- rule versions
            -- Ranges of different versions of an object (its size changed) are never joined.
            when size <> last_size then 1
            else 0
        end as begins
    from chain
    cross join policy k
)
select
    request_no, dataset_id, client_id, agent_id, object_id, status, started_us, ended_us, size, first_byte,
    delivered_bytes,
    begins,
    cast(sum(begins) over (
        partition by dataset_id, client_id, agent_id, object_id
        order by started_us, ended_us, request_no
        rows between unbounded preceding and current row
    ) as bigint) as session_no
from marked
