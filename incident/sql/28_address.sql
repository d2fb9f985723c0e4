-- one row per evidence item: its distinct addresses, and those that end where anonymising would cut them
--
-- rule address-cut
-- An IPv4 address may have been cut where its last octet is 0, an IPv6 address where its last 64 bits are. Where a
-- forwarded-for header was logged, its last address is looked at, else the peer.
-- why: web servers and CDNs that anonymise set the host part to zero; of untouched addresses few end so.
with address as (
    select
        evidence_id,
        case when forwarded_for is null or forwarded_for = '' then peer_ip else forwarded_for end as ip
    from event
    group by evidence_id, case when forwarded_for is null or forwarded_for = '' then peer_ip else forwarded_for end
)
select
    evidence_id,
    count(case when ip like '%.%.%.%' and ip not like '%:%' then 1 end) as v4,
    count(case when ip like '%.%.%.0' and ip not like '%:%' then 1 end) as v4_cut,
    count(case when ip like '%:%' then 1 end) as v6,
    count(case when ip like '%::' then 1 end) as v6_cut
from address
group by evidence_id
order by evidence_id
