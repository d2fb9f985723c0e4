-- one row per download, under a key that means the same in every case: no numbers of this case file
--
-- rule same-download
-- Downloads of two cases are the same where data set, client address, user agent, object and start agree; of several such,
-- the first is the first, by the line that begins it.
with placed as (
    select
        s.name as dataset,
        c.client_ip,
        g.user_agent,
        j.path as object,
        w.started_us,
        w.ended_us,
        w.completeness,
        w.transfers,
        w.bytes_sent,
        w.size,
        v.path as item,
        r.evidence_id,
        r.line_no,
        e.byte_offset
    from download w
    join dataset s
        on s.dataset_id = w.dataset_id
    join client c
        on c.client_id = w.client_id
    join agent g
        on g.agent_id = w.agent_id
    join object j
        on j.object_id = w.object_id
    join request r
        on r.request_no = w.download_no
    join gathered e
        on e.dataset_id = r.dataset_id
        and e.evidence_id = r.evidence_id
        and e.line_no = r.line_no
    join evidence v
        on v.evidence_id = r.evidence_id
)
select
    placed.*,
    row_number() over (
        partition by dataset, client_ip, user_agent, object, started_us
        order by item, line_no
    ) as nth
from placed
order by dataset, started_us, client_ip, user_agent, object, nth
