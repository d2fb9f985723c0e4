-- one row per transfer that shares a session with others or may do so: 206 responses, and the 200s that they continue
--
-- rule range-session
-- 206 responses of one client and object, each less than session_gap idle after the last, are one download; a 206 that
-- continues a 200 cut short joins it.
-- why: clients fetch one file in many ranges, and resume a broken transfer with a range (RFC 9110, 14 and 15.3.7).
--
-- rule versions
-- Ranges of different versions of an object (its size changed) are never joined.
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
next_to as (
    select
        part.*,
        lead(cut_short) over (
            partition by dataset_id, client_id, agent_id, object_id, version
            order by started_us, ended_us, request_no
        ) as next_cut_short,
        lead(first_byte) over (
            partition by dataset_id, client_id, agent_id, object_id, version
            order by started_us, ended_us, request_no
        ) as next_first_byte,
        lead(started_us) over (
            partition by dataset_id, client_id, agent_id, object_id, version
            order by started_us, ended_us, request_no
        ) as next_started_us
    from part
    where status = 206 or cut_short = 1
),
chain as (
    -- A 200 cut short that the next range does not continue stays alone.
    select
        n.*,
        max(n.ended_us) over (
            partition by n.dataset_id, n.client_id, n.agent_id, n.object_id, n.version
            order by n.started_us, n.ended_us, n.request_no
            rows between unbounded preceding and 1 preceding
        ) as last_end_us
    from next_to n
    cross join policy k
    where n.cut_short = 0
        or (
            not k.every_transfer
            and n.next_cut_short = 0
            -- rule continues
            -- A range continues a 200 cut short unless it starts at byte 0 again; a log without ranges does not say so.
            and (n.next_first_byte is null or n.next_first_byte > 0)
            and n.next_started_us - n.ended_us < k.session_gap_us
        )
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
            else 0
        end as begins
    from chain
    cross join policy k
)
select
    request_no, dataset_id, client_id, agent_id, object_id, version, status, started_us, ended_us, size, first_byte,
    delivered_bytes,
    begins,
    cast(sum(begins) over (
        partition by dataset_id, client_id, agent_id, object_id, version
        order by started_us, ended_us, request_no
        rows between unbounded preceding and current row
    ) as bigint) as session_no
from marked
