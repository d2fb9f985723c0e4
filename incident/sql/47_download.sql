-- one row per download that the policy counts
--
-- rule automated
-- Automated clients are counted, because the data left the building; a policy may count humans only.
select a.*
from attempt a
join agent g
    on g.agent_id = a.agent_id
cross join policy k
where (not k.full_only or a.completeness = 'full')
    and (not k.humans_only or not g.automated)
