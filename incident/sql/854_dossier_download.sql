-- one row per download that stands on lines of the dossier
select distinct
    w.started_us,
    w.download_no,
    s.name,
    j.path as object,
    c.client_ip,
    w.ended_us,
    w.completeness,
    w.transfers,
    w.bytes_sent,
    g.user_agent,
    h.evidence_id,
    h.line_no
from dossier d
join request r
    on r.evidence_id = d.evidence_id
    and r.line_no = d.line_no
join member m
    on m.request_no = r.request_no
join download w
    on w.download_no = m.download_no
join dataset s
    on s.dataset_id = w.dataset_id
join object j
    on j.object_id = w.object_id
join client c
    on c.client_id = w.client_id
join agent g
    on g.agent_id = w.agent_id
join request h
    on h.request_no = w.download_no
order by w.started_us, w.download_no
