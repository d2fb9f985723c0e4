-- one row per pair of requests that two vantages logged of one: when it started behind the proxy, and the difference
--
-- rule clock-offset
-- The offset of a pair is the start behind the proxy less the start nearer to the client.
select distinct
    o.vantage,
    e.vantage as against,
    o.evidence_id,
    o.line_no,
    o.started_us,
    o.started_us - e.started_us as offset_us
from pairing p
join request o
    on o.request_no = p.origin_no
join request e
    on e.request_no = p.edge_no
order by o.vantage, against, o.started_us, o.evidence_id, o.line_no, offset_us
