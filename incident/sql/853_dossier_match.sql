-- one row per (line of the dossier, data set it belongs to): its bucket, and the line that begins its download
select
    d.place,
    s.name,
    b.bucket,
    h.evidence_id as download_evidence_id,
    h.line_no as download_line_no
from dossier d
join request r
    on r.evidence_id = d.evidence_id
    and r.line_no = d.line_no
join dataset s
    on s.dataset_id = r.dataset_id
join bucket b
    on b.request_no = r.request_no
left join member m
    on m.request_no = r.request_no
left join request h
    on h.request_no = m.download_no
where d.place <= (select most from dossier_most)
order by d.place, r.dataset_id
