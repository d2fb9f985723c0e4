-- one row per two requests of one client and object that may be one, a day apart at most: the differences among which a
-- clock far off shows as the commonest
--
-- rule wide-search
-- Of each client and object the first hundred requests of a vantage are compared with the first hundred of another.
-- why: a clock that is off by more than match_within leaves no pairs; among chance differences its offset stands out.
with numbered as (
    select
        s.group_no, s.request_no, s.tier, s.proxied, s.started_us, s.method, r.vantage,
        row_number() over (
            partition by s.group_no, r.vantage
            order by s.started_us, s.request_no
        ) as nth
    from seen s
    join request r
        on r.request_no = s.request_no
)
select
    o.vantage,
    e.vantage as against,
    o.request_no,
    e.request_no as edge_no,
    o.started_us,
    o.started_us - e.started_us as offset_us
from numbered o
join numbered e
    on e.group_no = o.group_no
    and e.tier < o.tier
    and (e.method is null or o.method is null or e.method = o.method)
    and o.started_us - e.started_us between -93600000000 and 93600000000
where o.proxied
    and o.tier > 0
    and o.nth <= 100
    and e.nth <= 100
order by o.vantage, against, o.started_us, o.request_no, e.started_us, e.request_no
