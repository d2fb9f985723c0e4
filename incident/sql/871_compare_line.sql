-- one row per line of the other case that was asked for: what became of it here
select
    a.row_no,
    a.evidence_id is not null as has_item,
    e.line_no is not null as has_event,
    coalesce(e.byte_offset = a.byte_offset, false) as same_place,
    b.bucket,
    m.download_no is not null as is_member,
    coalesce(m.download_no = r.request_no, false) as begins,
    w.download_no is not null as is_counted
from asked_line a
left join event e
    on e.evidence_id = a.evidence_id
    and e.line_no = a.line_no
left join dataset s
    on s.name = a.dataset
left join request r
    on r.evidence_id = e.evidence_id
    and r.line_no = e.line_no
    and r.dataset_id = s.dataset_id
left join bucket b
    on b.request_no = r.request_no
left join member m
    on m.request_no = r.request_no
left join download w
    on w.download_no = m.download_no
order by a.row_no
